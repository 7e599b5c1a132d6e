"""The store of files in an S3 bucket; loaded only where S3_BUCKET is set, the client library is large."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import wraps
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

from tickets.storage import Listed, StoreUnavailable


def _as_oserror[**P, R](call: Callable[P, R]) -> Callable[P, R]:
    """Let callers see one kind of trouble from both stores. Raises FileNotFoundError, StoreUnavailable."""

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404 and not _is_bucket(error):
                raise FileNotFoundError from error
            raise StoreUnavailable(str(error.response.get("Error", {}).get("Code", "refused"))) from error
        except (BotoCoreError, Boto3Error) as error:
            raise StoreUnavailable(type(error).__name__) from error

    return translated


def _is_bucket(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") == "NoSuchBucket"


class BucketStorage(S3Storage):  # type: ignore[misc]
    """Files in an S3 bucket; a call ends within seconds, whatever the server does, and no name is ever written over.

    Checksums are sent only where S3 asks for them: other makers' stores refuse the newer ones.
    """

    def __init__(self, **settings: Any) -> None:
        style = settings.get("addressing_style") or "auto"
        settings["client_config"] = Config(
            signature_version="s3v4",
            s3={"addressing_style": style},
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(**settings)

    @_as_oserror
    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file = super()._open(name, mode)
        if "r" in mode:
            file.file  # noqa: B018 - fetched here, so that a store that is away is heard of before an answer begins
        return file

    @_as_oserror
    def _save(self, name: str, content: File[Any]) -> str:
        return str(super()._save(name, content))

    @_as_oserror
    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return bool(super().exists(name))

    @_as_oserror
    def delete(self, name: str) -> None:
        """Delete a file; a missing one is fine."""
        super().delete(name)

    @_as_oserror
    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and the files below a folder."""
        folders, files = super().listdir(path)
        return folders, files

    @_as_oserror
    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was written."""
        written: datetime = super().get_modified_time(name)
        return written

    def listing(self, folder: re.Pattern[str]) -> Iterator[Listed]:
        """Yield each file of the folders that fit, with when it was written: a thousand for each question asked."""
        pages = iter(self.connection.meta.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name))
        while page := self._next_page(pages):
            for entry in page.get("Contents", ()):
                found, slash, _name = entry["Key"].rpartition("/")
                if slash and folder.fullmatch(found):
                    yield entry["Key"], entry["LastModified"]

    @_as_oserror
    def _next_page(self, pages: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        return next(pages, None)
