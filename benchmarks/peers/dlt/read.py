"""dlt as its documentation teaches it: a REST client with a page paginator, one resource, merged by its number.

`--shape lines` (its default) makes a child table of the lines; `--shape whole` keeps them inside the order's row.
`--store` is a file (SQLite) or a `postgresql://` address.
"""

import os
import sys

os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL")

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
from parties import SEARCH, tell, wish


def main():
    """Read every page once."""
    shape = sys.argv.pop(sys.argv.index("--shape") + 1) if "--shape" in sys.argv else "lines"
    sys.argv = [one for one in sys.argv if one != "--shape"]
    asked = wish()

    @dlt.resource(
        name="orders",
        primary_key="invoice_order_no",
        write_disposition="merge",
        max_table_nesting=1 if shape == "lines" else 0,
    )
    def orders():
        pages = PageNumberPaginator(base_page=0, page_param="page_no", total_path=None, stop_after_empty_page=True)
        client = RESTClient(base_url=asked.url, paginator=pages, data_selector="data.order")
        yield from client.paginate(
            "/openapi",
            method="POST",
            params={"sid": "demo_sid", "method": SEARCH, "page_size": asked.page_size},
            json=[{"start_time": asked.start, "end_time": asked.end}],
        )

    if "://" in asked.store:
        destination, dataset = dlt.destinations.postgres(asked.store), "dlt_bench"
    else:
        destination, dataset = dlt.destinations.sqlalchemy(f"sqlite:///{asked.store}"), "main"
    pipeline = dlt.pipeline("bench", pipelines_dir=asked.folder, destination=destination, dataset_name=dataset)
    pipeline.run(orders())
    with pipeline.sql_client() as client, client.execute_query("SELECT count(*) FROM orders") as found:
        tell(found.fetchone()[0])


if __name__ == "__main__":
    main()
