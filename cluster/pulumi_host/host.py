"""The LanguageRuntime service: runs a Pulumi program, and a policy pack, in Python. Imports grpc and Pulumi's stubs.

The protocol is Pulumi's `language.proto`; the stubs come with the SDK. What this host does not do (code generation,
installing packages, plugins other than policy packs) is refused as unimplemented, and the official host does it.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from .children import STDOUT, Children, end, output
from .commands import (
    UnusableProgramError,
    interpreter,
    pack_command,
    pack_environment,
    run_command,
    run_environment,
    run_response,
)

_MAX_MESSAGE_BYTES = 400 * 1024**2  # as the SDK's own channels
_SERVED_AT_ONCE = 16  # a policy pack holds one for its whole life


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine. One process serves one engine."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._children = Children()

    def stop_children(self) -> None:
        self._children.stop()

    def Handshake(self, request: pb.LanguageHandshakeRequest, context: Any) -> pb.LanguageHandshakeResponse:  # noqa: N802
        self._engine_address = request.engine_address
        return pb.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(  # noqa: N802
        self, request: pb.GetRequiredPackagesRequest, context: Any
    ) -> pb.GetRequiredPackagesResponse:
        """None ahead of time: the engine finds a provider when the first resource names it."""
        return pb.GetRequiredPackagesResponse()

    def GetRequiredPlugins(  # noqa: N802
        self, request: pb.GetRequiredPluginsRequest, context: Any
    ) -> pb.GetRequiredPluginsResponse:
        return pb.GetRequiredPluginsResponse()

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        """Run the program to its end; its output is this process's own, which the engine shows."""
        try:
            python = interpreter(request.info)
            command = run_command(python, request, self._engine_address)
            environment = run_environment(os.environ, request)
            child = self._children.start(command, Path(request.info.program_directory), environment, captured=False)
        except (OSError, UnusableProgramError) as error:
            return pb.RunResponse(error=f"the program could not be started: {error}")
        context.add_callback(lambda: end(child))
        return run_response(self._children.wait(child))

    def RunPlugin(  # noqa: N802
        self, request: pb.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.RunPluginResponse]:
        """Run a policy pack until the engine cancels this call, passing on what it writes (first: its port)."""
        if request.kind != "analyzer":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, _no_such_plugin(request))
        pack = Path(request.info.program_directory)
        try:
            child = self._children.start(pack_command(request), pack, pack_environment(request), captured=True)
        except (OSError, UnusableProgramError) as error:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, f"the policy pack in {pack} could not be started: {error}"
            )
        context.add_callback(lambda: end(child))
        for stream, chunk in output(child):
            yield pb.RunPluginResponse(stdout=chunk) if stream == STDOUT else pb.RunPluginResponse(stderr=chunk)
        yield pb.RunPluginResponse(exitcode=self._children.wait(child))

    def About(self, request: pb.AboutRequest, context: Any) -> pb.AboutResponse:  # noqa: N802
        return pb.AboutResponse(
            executable=sys.executable,
            version=platform.python_version(),
            metadata={"host": "substrate cluster.pulumi_host"},
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: pb.GetProgramDependenciesRequest, context: Any
    ) -> pb.GetProgramDependenciesResponse:
        """Every distribution of this interpreter, sorted; `pulumi about` lists them."""
        found = sorted({(item.name, item.version) for item in metadata.distributions() if item.name})
        return pb.GetProgramDependenciesResponse(
            dependencies=[pb.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def InstallDependencies(  # noqa: N802
        self, request: pb.InstallDependenciesRequest, context: Any
    ) -> Iterator[pb.InstallDependenciesResponse]:
        """Nothing: the environment is made by `make`, from locked hashes."""
        return iter(())

    def RuntimeOptionsPrompts(self, request: pb.RuntimeOptionsRequest, context: Any) -> pb.RuntimeOptionsResponse:  # noqa: N802
        return pb.RuntimeOptionsResponse()

    def Template(self, request: pb.TemplateRequest, context: Any) -> pb.TemplateResponse:  # noqa: N802
        return pb.TemplateResponse()

    def Cancel(self, request: empty_pb2.Empty, context: Any) -> empty_pb2.Empty:  # noqa: N802
        self._children.stop()
        return empty_pb2.Empty()


def serve(host: LanguageHost) -> tuple[grpc.Server, int]:
    """Start the service on a free loopback port: (the server, the port)."""
    limits = [
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_SERVED_AT_ONCE), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _no_such_plugin(request: pb.RunPluginRequest) -> str:
    return (
        f"{request.info.program_directory} is a {request.kind or 'plugin'} plugin written in Python; Substrate's "
        "language host runs programs and policy packs only. Install the official Pulumi to run it"
    )
