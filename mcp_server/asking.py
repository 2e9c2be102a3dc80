"""Where a tool's question reaches the person at the client: by elicitation, in both eras of the protocol.

A tool asks in the middle of its work. The call is carried out up to there in a resolver, which hands the question to
the SDK; that brings the answer in the way of the client's era, and the call is carried out again with it. Tools ask
before they change anything, so nothing happens twice. One question is asked in a call. Where the client cannot ask, the
result tells its model which question to put to the person.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field, create_model

CONTEXT = "context"
"""The name of a wrapped tool's parameter for the client's context."""

ANSWER = "answer"
"""And of the one for what the resolver brings."""

NEITHER = "None of these, or not sure"

_ASKED_IN_RESULTS = "2026-07-28"
"""From this version on, questions travel in results, so no way back to the client is needed."""


@dataclass(frozen=True)
class Question:
    """Without choices it wants a yes or no."""

    text: str
    choices: tuple[str, ...] = ()

    def elicit(self) -> Elicit[Any]:
        """The question as the client shows it; its reply knows what was asked."""
        options = (*self.choices, NEITHER)
        wanted: dict[str, Any] = (
            {"choice": (Literal[options], Field(title="Answer"))}
            if self.choices
            else {"yes": (bool, Field(title="Yes, do it"))}
        )
        reply = create_model("Reply", __base__=Reply, **wanted)
        reply.asked = self
        return Elicit(self.text, reply)


class Reply(BaseModel):
    """What the person said: one field, a choice or a yes."""

    asked: ClassVar[Question]

    @property
    def said(self) -> str | bool:
        said: str | bool = next(iter(dict(self).values()))
        return said


class Unanswered(BaseModel):
    """What a tool answers where only the person can decide, and the client cannot ask them."""

    done: Literal[False] = Field(default=False, description="Nothing was done.")
    question: str = Field(description="Put it to the person.")
    next: str = Field(description="What to know or do next.")


class Asking(Exception):  # an outcome, not an error: the call goes on with the answer
    """A tool has a question, and the person can be asked."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


class Person:
    """Whoever sits at the client, as far as one call can reach them.

    Args:
        reachable: They can be asked now.
        reply: What they said in this call.
        declined: They were asked in this call and would not answer.

    Attributes:
        unasked: The first question that they could not be asked.
    """

    def __init__(self, reachable: bool = False, reply: Reply | None = None, declined: bool = False) -> None:
        self._reachable, self._reply, self._declined = reachable, reply, declined
        self.unasked: Question | None = None

    def confirm(self, question: str) -> bool:
        """Their yes."""
        return self._answer(Question(question)) is True

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        """One of the choices; empty where they do not know, None where they could not be asked."""
        answer = self._answer(Question(question, tuple(choices)))
        if self.unasked is not None:
            return None
        return answer if isinstance(answer, str) and answer in choices else ""

    def _answer(self, question: Question) -> str | bool | None:
        if self._reply is not None and self._reply.asked == question:
            return self._reply.said
        if self._reachable:
            raise Asking(question)
        if not self._declined:
            self.unasked = self.unasked or question
        return None


Attempt = Callable[[dict[str, Any], Context[Any, Any], Person], Awaitable[BaseModel]]
"""Carries a call out: its arguments, the client's context, and the person there."""


@dataclass(frozen=True)
class _Done:
    """The call asked nothing; this is its result."""

    result: BaseModel


def resolver(attempt: Attempt) -> Callable[..., Awaitable[Any]]:
    """What finds out whether a call asks something: a resolver of the SDK, to be given the tool's own signature."""

    async def resolve(**given: Any) -> Any:
        context: Context[Any, Any] = given.pop(CONTEXT)
        try:
            return _Done(await attempt(given, context, Person(reachable=_can_ask(context))))
        except Asking as asking:
            return asking.question.elicit()

    return resolve


async def answered(
    attempt: Attempt, given: dict[str, Any], context: Context[Any, Any], answer: ElicitationResult[Any]
) -> BaseModel:
    """The call with what the resolver brought."""
    if not isinstance(answer, AcceptedElicitation):
        return await attempt(given, context, Person(declined=True))
    if isinstance(answer.data, _Done):
        return answer.data.result
    return await attempt(given, context, Person(reply=answer.data))


def _can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client shows forms, and can be reached while it waits."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    version = context.protocol_version
    return context.session.can_send_request or (version is not None and is_version_at_least(version, _ASKED_IN_RESULTS))
