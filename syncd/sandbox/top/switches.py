"""Everything the TOP papers leave open, as a switch; the defaults are the likeliest reading."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class TopSwitches:
    """How this gateway and this invoice centre behave where the papers are silent.

    The gateway:
    stamp_window       seconds a timestamp may be off, either way
    epoch_stamps       take 13 digits of epoch milliseconds too
    loud               a complaint (see `TopWorld.complaints`) is answered with HTTP 400
    empty_values       with `loud` off: an empty parameter is "signed" as its bare name, or "dropped"
    stray_session      a session that a method does not need is "checked" all the same, or "ignored"
    needs_session      by method, over the table of the papers
    per_second         calls of an application to one method in a second before a ban of 1 s; 0 = no limit
    per_day            calls of an application in a Beijing day before a ban until midnight; 0 = no limit
    ban_app_for, ban_api_for, ban_app_api_for   seconds of the bans that faults begin
    ban_text           "seconds" = sub_msg tells how long; "bare" = it does not
    business_code      15, or 50 as on the sample of every page
    isp_sub_code       the sub-code of the faults 15_isp… and 50_isp…

    The shape of answers:
    empty_lists        "absent", "null", "object" = {}, "wrapped" = {"element": []}, "bare" = []
    uk_wrapper         the element name of missing_invoices
    uk_keys            its keys in snake or camel case
    creating_spelling  how applications that are being issued are shown
    code_as_text       `code` of an error is "15" instead of 15
    request_id_in_errors   False leaves it out there
    gzip               compress for callers that accept it

    Applications:
    message_needed     inv_failed and cancelled need a message
    after_final        another status for a finished application: "error" (isv), "true" = it changes, "ignored" =
                       answered true but unchanged, "false" = refused without a missing list
    update_says        "truth", or a contradiction: "true_with_missing" finishes it and names what is missing (or all),
                       "false_without_missing" refuses whatever is there
    unknown_application   prod.apply.get of an unknown id: "error" (isv), "inner" (result.success false), "empty"

    Uploads:
    collect_after      seconds from an accepted upload until it is collected
    collect_calls      update calls that must pass before
    uploads            "taken", "refused" (is_success false), "never_collected" (is_success true)
    duplicate          the same invoice again is answered "true", or with isv.data-duplicate-error
    empty_code         "accept" or "reject" an upload without invoice_code
    stored_code        how the centre keeps the code: "as_sent", "empty", "zeros"
    payee_needed       payee_name, _address, _phone and _operator are required, as in the Alipay twin
    largest_file       bytes of a decoded file; 0 = no limit

    Messages:
    announce_updates   a change of status queues alibaba_einvoice_ApplyUpdate
    redeliver_after    seconds until an unconfirmed message comes again; 0 = with the next call
    lost_confirms      so many of the next confirmations are answered well and forgotten
    """

    stamp_window: int = 600
    epoch_stamps: bool = False
    loud: bool = True
    empty_values: Literal["signed", "dropped"] = "signed"
    stray_session: Literal["checked", "ignored"] = "checked"
    needs_session: dict[str, bool] = field(default_factory=dict)
    per_second: int = 0
    per_day: int = 0
    ban_app_for: int = 31062
    ban_api_for: int = 5
    ban_app_api_for: int = 2
    ban_text: Literal["seconds", "bare"] = "seconds"
    business_code: Literal[15, 50] = 15
    isp_sub_code: str = "isp.top-remote-connection-timeout"

    empty_lists: Literal["absent", "null", "object", "wrapped", "bare"] = "absent"
    uk_wrapper: Literal["invoice_uk_dto", "invoice_uk_d_t_o"] = "invoice_uk_dto"
    uk_keys: Literal["snake", "camel"] = "snake"
    creating_spelling: Literal["creating_inv", "craeting_inv"] = "creating_inv"
    code_as_text: bool = False
    request_id_in_errors: bool = True
    gzip: bool = False

    message_needed: bool = True
    after_final: Literal["error", "true", "ignored", "false"] = "error"
    update_says: Literal["truth", "true_with_missing", "false_without_missing"] = "truth"
    unknown_application: Literal["error", "inner", "empty"] = "error"

    collect_after: float = 0.0
    collect_calls: int = 0
    uploads: Literal["taken", "refused", "never_collected"] = "taken"
    duplicate: Literal["true", "error"] = "true"
    empty_code: Literal["accept", "reject"] = "accept"
    stored_code: Literal["as_sent", "empty", "zeros"] = "as_sent"
    payee_needed: bool = False
    largest_file: int = 0

    announce_updates: bool = True
    redeliver_after: float = 0.0
    lost_confirms: int = 0
