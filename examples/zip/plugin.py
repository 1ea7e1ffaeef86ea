"""Serves an importer to plakar: gRPC, as the protocol has it, over standard input and output.

An importer has `origin`, `type`, `root` and `flags`, and two methods: `scan()` yields Records, `open(path)` is a file object.
Whatever either raises reaches the user as the text of the exception.
"""

import os
import socket
import sys
import tempfile
import threading
from concurrent import futures

import grpc

import importer_pb2 as messages

CHUNK = 256 << 10  # bytes; a message may have 4 MiB
WORKERS = 64  # plakar opens as many files at once as it has workers, and each takes one of these while it is read
MESSAGE = 64 << 20  # bytes; a configuration may hold certificates


class Service:
    """Answers the calls of one host. make(options, protocol, config) makes the importer, once."""

    def __init__(self, make):
        self.make = make
        self.importer = None

    def init(self, request, context):
        if not request.proto:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the host names no protocol")
        try:
            self.importer = self.make(request.options, request.proto, dict(request.config))
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, text(error))
        i = self.importer
        return messages.InitResponse(origin=i.origin, type=i.type, root=i.root, flags=i.flags)

    def ready(self, context):
        if self.importer is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "Init comes first")
        return self.importer

    def ping(self, request, context):
        self.ready(context)
        return messages.PingResponse()

    def import_(self, requests, context):
        importer = self.ready(context)
        # The host answers every record. Answers that nobody takes would fill the connection.
        answers = threading.Thread(target=drain, args=(requests,), daemon=True)
        answers.start()
        try:
            for record in importer.scan():
                yield messages.ImportResponse(record=record)
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, text(error))
        # A host that sees this takes the import for complete and listens no longer: it is the last thing that is said.
        yield messages.ImportResponse(finished=True)
        answers.join()

    def open(self, request, context):
        importer = self.ready(context)
        if not request.HasField("record"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the host names no record")
        try:
            with importer.open(request.record.pathname) as content:
                while chunk := content.read(CHUNK):
                    yield messages.OpenResponse(chunk=chunk)
        except Exception as error:
            context.abort(grpc.StatusCode.UNKNOWN, text(error))

    def close(self, request, context):
        return messages.CloseResponse()

    def handler(self):
        def method(kind, call, request):
            return kind(call, request.FromString, lambda response: response.SerializeToString())

        return grpc.method_handlers_generic_handler(
            "importer.Importer",
            {
                "Init": method(grpc.unary_unary_rpc_method_handler, self.init, messages.InitRequest),
                "Ping": method(grpc.unary_unary_rpc_method_handler, self.ping, messages.PingRequest),
                "Import": method(grpc.stream_stream_rpc_method_handler, self.import_, messages.ImportRequest),
                "Open": method(grpc.unary_stream_rpc_method_handler, self.open, messages.OpenRequest),
                "Close": method(grpc.unary_unary_rpc_method_handler, self.close, messages.CloseRequest),
            },
        )


def text(error):
    """What a user reads of an exception; an empty text would be no error to the host."""
    return str(error) or type(error).__name__


def drain(requests):
    try:
        for _ in requests:
            pass
    except Exception:  # the host has gone, or has ended the call
        pass


def run(make):
    """Serves until the host closes standard input, then ends the process."""
    # What anything prints goes to standard error: standard output is the connection.
    output = os.dup(1)
    os.dup2(2, 1)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=WORKERS),
        options=[("grpc.max_receive_message_length", MESSAGE), ("grpc.max_send_message_length", MESSAGE)],
    )
    server.add_generic_rpc_handlers((Service(make).handler(),))
    # grpcio serves sockets alone, so there is one between it and the pipes, which nobody else can reach.
    with tempfile.TemporaryDirectory(prefix="plugin-") as folder:
        address = os.path.join(folder, "socket")
        if server.add_insecure_port("unix:" + address) == 0:
            sys.exit("no socket at " + address)
        server.start()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
    answers = threading.Thread(target=pump, args=(connection.recv, lambda data: write(output, data)), daemon=True)
    answers.start()
    pump(lambda size: os.read(0, size), connection.sendall)
    # The host has gone. What is still under way has nobody to tell.
    os._exit(0)


def pump(read, write):
    try:
        while data := read(CHUNK):
            write(data)
    except OSError:
        pass


def write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]
