"""Messages survive the channel, whatever they hold."""

import math
import multiprocessing
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import Node
from nas.conversation import Alive, Epoch, Order, Report, Value, decode, encode
from nas.pipe import PipeChannel

st.register_type_strategy(Node, st.builds(Node, settings=st.dictionaries(st.text(), st.integers() | st.text())))
MESSAGES = [*get_args(Order), *get_args(Report)]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
@given(data=st.data())
def test_every_message_arrives_as_it_was_sent(message, data):
    sent = data.draw(st.from_type(message))
    received = decode(encode(sent))
    assert repr(received) == repr(sent)  # repr, for NaN is not equal to itself


def test_floats_that_are_not_finite_arrive():
    epoch = decode(encode(Epoch(1, {"a": math.nan, "b": math.inf, "c": -math.inf}, 0.5)))
    assert isinstance(epoch, Epoch)
    assert math.isnan(epoch.metrics["a"])
    assert (epoch.metrics["b"], epoch.metrics["c"]) == (math.inf, -math.inf)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", None])
def test_a_value_keeps_its_type(value):
    received = decode(encode(Value(value)))
    assert isinstance(received, Value)
    assert type(received.value) is type(value)


@pytest.mark.parametrize("line", [b"", b"Nonsense {}", b"Ask {}", b"Ask not json", b'Alive {"rss": "x"}', b"\xff\xfe"])
def test_what_is_no_message_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        decode(line)


def test_a_pipe_tells_when_nobody_is_there():
    ours, theirs = (PipeChannel(end) for end in multiprocessing.Pipe())
    theirs.send(Alive(5))
    assert ours.receive(timeout=1.0) == Alive(5)
    assert ours.receive(timeout=0.0) is None
    theirs.close()
    with pytest.raises(EOFError):
        ours.receive(timeout=1.0)
    with pytest.raises(EOFError):
        ours.send(Alive(0))
