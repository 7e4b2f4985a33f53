"""The OpenAPI description: FastAPI's, with the problem documents under their own media type."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI


def describe(app: FastAPI) -> None:
    """Let an app describe its refusals as `application/problem+json`."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = plain()
            for path in description["paths"].values():
                for operation in path.values():
                    _name_problems(operation["responses"])
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _name_problems(responses: dict[str, dict[str, Any]]) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        if status >= "400" and "application/json" in content:
            response["content"] = {"application/problem+json": content["application/json"]}
