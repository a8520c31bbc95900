"""What schemathesis has to know of the API: its scalars, and which codes blame the caller."""

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.specs.graphql import validation

quoted = {
    "CurrencyCode": st.sampled_from(["EUR", "KES", "USD"]),
    "Cursor": st.text(max_size=40),
    "DateTime": st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    "Decimal": st.decimals(0, 1000, places=2).map(str),
}
for scalar, values in quoted.items():
    schemathesis.graphql.scalar(scalar, values.map(nodes.String))

# The list is Apollo's; docs/api.md has ours.
validation.CLIENT_ERROR_MARKERS |= {
    "COST_EXCEEDED",
    "FORBIDDEN",
    "NOT_FOUND",
    "QUERY_REJECTED",
    "RATELIMITED",
    "SECOND_FACTOR_REQUIRED",
    "UNAUTHENTICATED",
}
