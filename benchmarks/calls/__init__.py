"""How many calls WDT gets, against the fewest that could do the same.

    python -m benchmarks.calls [--only CASE] [--days N] [--calls-per-minute 50] [--seed 1] [--lock] [--uneven]
                              [--json FILE] [--remark TEXT] [--strict]

Cases: `quiet` (a day without an order), `1000` and `10000` (a day with so many), `backfill` (a past of 365 days at
1,000 a day, read while 1,000 a day go on arriving), `backlog` (a past whose orders all wait and are issued meanwhile;
10 days). `--days` sets how many days: of the past in the last two, of life in the others. Orders come at random
seconds; with `--uneven` those of the past by a shop's hours (hardly any at night, twice as many in the afternoon), half
as many at weekends, and no day like the other.

The stages, the store (SQLite, durable) and the HTTP calls to the simulated WDT and issuer are the real ones; time is
not. Nothing waits for a clock: it jumps to the next instant at which anybody wakes, a unit is due (the engine looks
once a second) or an order arrives. So a year is read in minutes, and every run of a seed is the same. The simulated
WDT counts the calls of any 60 seconds by itself, and refuses what is beyond `--calls-per-minute`; with `--lock` a
refusal locks the credential for five minutes.

THE MINIMUM is what somebody who knew every order beforehand would still have to call, with pages of `[poll] page_size`
(100) rows and write-backs of `[write_back] batch` (20) documents:

  work list    one page an interval of `[schedule] poll` (60 s): an order is to be noticed within it. A page that would
               not hold all that waits: as many as it takes
  mirror       for each interval of `[schedule] mirror` (15 min) that has settled as many pages as the documents changed
               in it fill, or one: nobody can know that there were none
  deep look    one page for each day after the first: what the last three days really fill is not reckoned
  backfill     as many pages as its rows fill, as if every page were full
  write-back   for the orders that the same page of the work list showed, as many calls as their documents fill
  looking      for each of these groups as many pages (of 200) as their documents fill: no write-back is believed
  by number    none

The ends of windows, the rounding of pages, reading again, and everything else the rules of docs/windows.md cost are
all in what was made, and none of them in the minimum.
"""
