"""Files on their way in and out: spooled to disk as they come, never held in memory."""

import os
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO

from flask import Request, Response, request, send_file
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest as MalformedRequest
from werkzeug.exceptions import RequestedRangeNotSatisfiable, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from app.errors import BadRequest, TooLarge, UnsupportedMediaType
from app.extensions import settings
from app.services.desk.files import MB
from app.storage import told
from app.utils.requests import restart_clock

IN_MEMORY = 64 * 1024  # bytes of a file that stay there
BESIDE = 64 * 1024  # bytes that a body may have beside its files
MAX_PARTS = 50
MAIL = "message/rfc822"


class Spool(SpooledTemporaryFile[bytes]):
    """A file as it comes in, refused as soon as it is too large."""

    def __init__(self, nombre: str, max_mb: int) -> None:
        super().__init__(max_size=IN_MEMORY)
        self.nombre = nombre
        self.max_mb = max_mb
        self.room = max_mb * MB

    def write(self, piece: Any) -> int:
        self.room -= len(piece)
        if self.room < 0:
            raise TooLarge("archivo_demasiado_grande", nombre=self.nombre[:200], max=self.max_mb)
        with told():
            return super().write(piece)


class Incoming:
    """A body as the server reads it: what is wrong with its chunks is the sender's fault, not ours."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self.stream.read(size)
        except Exception as error:  # WSGI names no class for it, and each server has its own.
            raise MalformedRequest from error


def outliving(spool: Spool) -> BinaryIO:
    """The content of a spool, for an answer that is a stream: before it begins, all files are closed."""
    with told():
        spool.rollover()
    spool.seek(0)
    return os.fdopen(os.dup(spool.fileno()), "rb")


class SpoolingRequest(Request):
    """Flask's, with our spools, and loud about a body that is no form."""

    def __init__(self, environ: dict[str, Any], *args: Any, **options: Any) -> None:
        super().__init__({**environ, "wsgi.input": Incoming(environ["wsgi.input"])}, *args, **options)
        self.spools: list[Spool] = []
        self.max_file_mb = 0  # Until a form is expected, no file is.

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        spool = Spool(filename or "", self.max_file_mb)
        self.spools.append(spool)
        return spool

    def close(self) -> None:
        super().close()
        for spool in self.spools:  # Those of a body that broke off are in no form.
            spool.close()

    def make_form_data_parser(self) -> FormDataParser:
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser


def load_multipart(req: Request, sizes: tuple[str, str]) -> MultiDict[str, Any]:
    """The fields and the files of a form, which may be much larger than other bodies and take longer.

    ``sizes`` are the settings that say how many MB one file may have, and all of them.
    """
    if req.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("formulario_esperado")
    one, all_of_them = (getattr(settings(), name) for name in sizes)
    req.max_file_mb = one  # type: ignore[attr-defined]  # of ours
    req.max_content_length = all_of_them * MB + BESIDE
    req.max_form_parts = MAX_PARTS
    try:
        sent: MultiDict[str, Any] = MultiDict([*req.form.items(multi=True), *files_of(req)])
    except ValueError as error:
        raise BadRequest("formulario_invalido") from error
    restart_clock()
    return sent


def load_mail(req: Request) -> bytes:
    """A mail as it was sent, which may be much larger than other bodies and take longer."""
    if req.mimetype != MAIL:
        raise UnsupportedMediaType("correo_esperado")
    req.max_content_length = settings().correo_max_mb * MB
    body = req.get_data(cache=True)
    if req.content_length is None and len(body) == req.max_content_length:
        raise RequestEntityTooLarge  # Werkzeug stops reading a chunked body at the limit, without a word.
    restart_clock()
    return body


def files_of(req: Request) -> list[tuple[str, FileStorage]]:
    return list(req.files.items(multi=True))


def download(content: BinaryIO, nombre: str, tipo_mime: str, size: int, sha256: str) -> Response:
    """A file as an attachment, or the range of it that was asked for."""
    response = send_file(
        content,
        mimetype=tipo_mime,
        as_attachment=True,
        download_name=nombre,
        conditional=False,
        etag=sha256,
    )
    response.content_length = size
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        content.close()
        raise
    if request.method == "HEAD" or response.status_code == 304:
        content.close()  # Nobody will read it to its end.
    return response
