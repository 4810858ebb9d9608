"""A name server on loopback that says what a test wants it to say, and a resolver that asks it and nobody else."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise

import dns.asyncresolver
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Turn = Sequence[str] | None
"""What one lookup finds: addresses of both kinds, and in front of them the names that lead there. None: no answer."""


class NameServer:
    """Answers each lookup of a name with the next of its turns; the last of them serves all that follow."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        """The names that were asked for, once for each lookup."""
        self.came = threading.Semaphore(0)
        """Released by each question."""
        self._turns: dict[str, list[Turn]] = {}
        self._taken: dict[tuple[str, str], int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def has(self, name: str, *turns: Turn) -> None:
        self._turns[name] = list(turns)

    async def __call__(self, host: str) -> Sequence[IPv4Address | IPv6Address]:
        """All addresses of a name. Raises OSError."""
        self.lookups.append(host)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self._socket.getsockname()[1]
        try:
            answers = await resolver.resolve_name(host, lifetime=30)
        except dns.exception.DNSException as error:
            raise OSError from error
        return [ip_address(address) for address in answers.addresses()]

    def start(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                question, peer = self._socket.recvfrom(4096)
                if not question:
                    return
                self.came.release()
                if answer := self._answer(dns.message.from_wire(question)):
                    self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, question: dns.message.Message) -> dns.message.Message | None:
        asked = question.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        answer = dns.message.make_response(question)
        if name not in self._turns:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        turn = self._turn(name, kind)
        if turn is None:
            return None
        owners = [f"{each}." for each in (name, *(said for said in turn if not _is_address(said)))]
        for owner, target in pairwise(owners):
            answer.answer.append(dns.rrset.from_text(owner, 0, "IN", "CNAME", target))
        addresses = [said for said in turn if _is_address(said) and (":" in said) == (kind == "AAAA")]
        if addresses:
            answer.answer.append(dns.rrset.from_text(owners[-1], 0, "IN", kind, *addresses))
        return answer

    def _turn(self, name: str, kind: str) -> Turn:
        taken = self._taken.get((name, kind), 0)
        self._taken[name, kind] = taken + 1
        turns = self._turns[name]
        return turns[min(taken, len(turns) - 1)]


def _is_address(said: str) -> bool:
    return ":" in said or said.replace(".", "").isdigit()


@contextmanager
def name_server() -> Iterator[NameServer]:
    """A name server for the time of a `with` block."""
    running = NameServer()
    running.start()
    try:
        yield running
    finally:
        running.stop()
