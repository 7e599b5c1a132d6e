"""Django expressions over the SQL search functions, for generated columns and filters.

search = GeneratedField(expression=Tokens(F("subject")), output_field=SearchVectorField(), db_persist=True)
Ticket.objects.filter(search__matches="没收到货")
"""

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Func, Lookup, TextField


class Tokens(Func):
    """`cs_tokens(text)`: the search vector of one text expression; concatenate columns before."""

    function = "cs_tokens"
    arity = 1
    output_field = SearchVectorField()


@SearchVectorField.register_lookup
class Matches(Lookup):
    """`vector @@ cs_query(text)`: every word and every pair of Chinese signs of the query occurs."""

    lookup_name = "matches"

    def get_prep_lookup(self) -> Any:
        """Return the query as text without NUL, which PostgreSQL refuses."""
        return self.rhs if hasattr(self.rhs, "resolve_expression") else str(self.rhs).replace("\x00", "")

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        """Bind the query as text: the vector's own adaptation would quote it."""
        return "%s", [TextField().get_db_prep_value(value, connection)]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the SQL of the match."""
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @@ cs_query({right})", [*left_params, *right_params]
