"""Uploads by the GraphQL multipart request specification: `operations`, `map`, and the files they name.

https://github.com/jaydenseric/graphql-multipart-request-spec. Whatever is wrong with a request is refused
with a sentence, and nothing is read into memory.
"""

import graphene
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from graphql import GraphQLError

from api.errors import TOO_LARGE, ApiError
from api.strict_json import NotJson, read_json

MAX_FILES = 10  # files in one request, and places they go to
MAX_PATH_STEPS = 10  # steps of a path in `map`


class Upload(graphene.Scalar):
    """A file sent by the GraphQL multipart request specification: null in `variables`, named in `map`."""

    @staticmethod
    def parse_value(value):
        if not isinstance(value, UploadedFile):
            raise GraphQLError("Upload is a file: send the request as multipart/form-data.")
        return value

    @staticmethod
    def parse_literal(node, variables=None):
        raise GraphQLError("Upload is a file: give it as a variable, not in the query's text.")

    @staticmethod
    def serialize(value):
        raise GraphQLError("Upload is only ever sent to the server.")


class LimitedUpload(FileUploadHandler):
    """Stops reading a request once a file is larger or the files are more than is taken.

    Goes before Django's own handlers; `problem` is then the sentence to answer with.
    """

    problem = ""

    def __init__(self, request, max_bytes: int):
        super().__init__(request)
        self.max_bytes, self.files, self.received = max_bytes, 0, 0

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self.files += 1
        if self.files > MAX_FILES:
            self._stop(f"A request takes at most {MAX_FILES} files.")

    def receive_data_chunk(self, raw_data, start):
        self.received += len(raw_data)
        if self.received > self.max_bytes:
            self._stop(f"The files are larger than the {self.max_bytes // 1024**2} MB that are taken.")
        return raw_data

    def file_complete(self, file_size):
        return None

    def _stop(self, problem: str):
        self.problem = problem
        raise StopUpload(connection_reset=True)


def read_multipart(fields, files) -> dict:
    """Put the files of a multipart request in their places.

    Args:
        fields: `request.POST`.
        files: `request.FILES`.
    Returns:
        The operation: `query`, `variables`, `operationName`.
    Raises:
        ApiError: (BAD_INPUT) something does not follow the specification; (TOO_LARGE) too many files.
    """
    operation = _read_json(fields, "operations")
    places = _read_json(fields, "map")
    variables = operation.get("variables")
    if set(places) != set(files):
        raise ApiError("The keys of map and the names of the files must be the same.")
    if sum(len(paths) if isinstance(paths, list) else 1 for paths in places.values()) > MAX_FILES:
        raise ApiError(f"map names more than {MAX_FILES} places.", TOO_LARGE)
    for key, paths in places.items():
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise ApiError(f'map.{_short(key)} must be a list of paths, such as ["variables.image"].')
        if len(files.getlist(key)) != 1:
            raise ApiError(f"There must be exactly one file named {_short(key)}.")
        for path in paths:
            _put(variables, path, files[key])
    return operation


def _read_json(fields, name: str) -> dict:
    try:
        value = read_json(fields[name])
    except KeyError as error:
        raise ApiError(f"A multipart request has a field {name}.") from error
    except NotJson as error:
        raise ApiError(f"The field {name} is not JSON.") from error
    if not isinstance(value, dict):
        raise ApiError(f"The field {name} must be a JSON object; batches are not taken.")
    return value


def _put(variables, path: str, file: UploadedFile) -> None:
    """Replace the null at a path such as `variables.files.0` by a file."""
    first, *steps = path.split(".")
    if first != "variables" or not 1 <= len(steps) <= MAX_PATH_STEPS:
        raise ApiError(f"{_short(path)}: a path starts with variables and has few steps.")
    place = variables
    for step in steps[:-1]:
        place = place[_step(place, step, path)]
    last = _step(place, steps[-1], path)
    if place[last] is not None:
        raise ApiError(f"{_short(path)} must be null where the file goes, and is named once.")
    place[last] = file


def _step(place, step: str, path: str):
    """The key or index of one step, which must exist already."""
    if isinstance(place, dict) and step in place:
        return step
    is_index = step.isascii() and step.isdecimal() and len(step) < 6
    if isinstance(place, list) and is_index and int(step) < len(place):
        return int(step)
    raise ApiError(f"{_short(path)} is not in the variables: put null where the file goes.")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
