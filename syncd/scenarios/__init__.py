"""Scripted days that go wrong: the real program over real HTTP against the sandbox, with figures that must hold.

A scenario is *played* in a `World`; what it counted is judged by its own demands and by those of the caller. Every
scenario also counts that its fault really struck: a day on which nothing went wrong proves nothing and fails.

    plays/          the days themselves, by topic; `plays/__init__.py` lists them
    scenario, demands, run, transcript, twin
                    what a day is, what its figures must be, playing and judging it, a run as a file, wrong versions
    world, settings the sandbox, the store, the workers and the time of a day in this process
    clocks, pauses, diary, one_thread, hands
                    virtual time, what waits in it, what happens when, and what turns the program meanwhile
    clerks, phone   the people: users of the ERP, whoever is called when something is wrong
    figures, ledgers, onlooker, books
                    what is counted, from both parties' ledgers and from the store, never from the program's word
    housing, server, look
                    where the store of a day is, and looks into it past the program
    processes, nursery, yard, fleet
                    days with real processes, which are struck down by signals
"""
