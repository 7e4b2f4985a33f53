"""Buttons and other components: what they answer, and what becomes of them."""

import pytest

from dialogs import (
    Button,
    Interrupt,
    Message,
    Orchestrator,
    dialog,
    get_client_response,
    send_message,
)
from dialogs.channels.slack import SlackChannel, as_message
from dialogs.stores import MemoryStore
from tests.channels.slack.fake_slack import BOT, seen
from tests.channels.slack.slack_people import User

DRINK = Message("What would you like?", (Button("Tea", ("green", 1)), Button("Milk")))


def asking(*messages, opening=None):
    """A dialog that asks with these messages, and says what it hears."""

    @dialog(name="asking")
    def conversation():
        while True:
            for message in messages:
                yield send_message(message)
            heard = yield get_client_response()
            yield send_message(f"heard {heard!r}")

    return conversation


@pytest.fixture
async def talk(slack, served):
    """Begins a direct message with a bot that asks."""
    made = []

    async def begin(*messages, interrupts=(), **options):
        orchestrator = Orchestrator(asking(*messages), store=MemoryStore(), interrupts=interrupts)
        made.append(await SlackChannel(orchestrator, served, **options).__aenter__())
        ada = User(slack, "ada")
        await ada.say("hi")
        return ada

    yield begin
    for channel in made:
        await channel.__aexit__()


async def test_a_button_answers_with_its_value_whatever_that_is(talk):
    ada = await talk(DRINK)
    await ada.press("Tea")
    assert "heard ('green', 1)" in await ada.heard()


async def test_a_button_without_a_value_answers_with_its_label(talk):
    ada = await talk(DRINK)
    await ada.press("Milk")
    assert "heard 'Milk'" in await ada.heard()


async def test_who_types_a_label_means_the_button(talk):
    ada = await talk(DRINK)
    await ada.say(" tea ")
    await ada.say("2")
    heard = await ada.heard()
    assert "heard ('green', 1)" in heard
    assert "heard '2'" in heard  # the buttons have no numbers on the screen


async def test_the_choice_takes_the_place_of_the_buttons(talk):
    ada = await talk(DRINK)
    await ada.press("Tea")
    assert (await ada.heard())[0] == "What would you like?\n✓ Tea"


async def test_in_a_thread_the_choice_says_whose_it_was(slack, served):
    SlackChannel(Orchestrator(asking(DRINK), store=MemoryStore()), served)
    ada = User(slack, "ada", "C0GENERAL", mentions=True)
    await ada.say("hi")
    await ada.press("Milk")
    assert (await ada.heard())[0] == "What would you like?\n<@UADA>\n✓ Milk"


async def test_people_of_another_workspace_can_press_in_a_shared_channel(slack, served):
    """What Slack sends then names their workspace, and not the bot's."""
    SlackChannel(Orchestrator(asking(DRINK), store=MemoryStore()), served)
    ada = User(slack, "ada", "C0GENERAL", mentions=True)
    await ada.say("hi")
    message, _, element = ada.buttons("Milk")[-1]
    action = {"type": "button", "action_id": element["action_id"], "action_ts": slack.ts()}
    theirs = {"id": "T0THEIRS", "domain": "theirs"}
    await slack.send({**ada.interaction(message, {**action, "block_id": "x"}), "team": theirs})
    assert "heard 'Milk'" in await ada.heard()


async def test_the_buttons_can_be_left_where_they_are(slack, talk):
    ada = await talk(DRINK, show_choice=False)
    await ada.press("Tea")
    assert slack.count("chat.update") == 0
    assert "heard ('green', 1)" in await ada.heard()


async def test_a_button_of_an_old_question_answers_nothing_and_says_so_to_who_pressed_it(
    slack, talk
):
    ada = await talk(DRINK)
    await ada.say("juice")
    await ada.press("Tea", which=0)
    assert [text for text in await ada.heard() if "heard" in text] == ["heard 'juice'"]
    assert ada.told() == ["That question is over."]


async def test_what_an_old_button_says_is_yours_to_choose(slack, talk):
    ada = await talk(DRINK, stale_text="Too late & over.")
    await ada.say("juice")
    await ada.press("Tea", which=0)
    assert ada.told() == ["Too late & over."]


async def test_an_old_button_can_be_silent(slack, talk):
    ada = await talk(DRINK, stale_text="")
    await ada.say("juice")
    await ada.press("Tea", which=0)
    assert slack.count("chat.postEphemeral") == 0


async def test_a_press_that_slack_repeats_counts_once_and_is_not_called_old(slack, talk):
    ada = await talk(DRINK)
    message, block, element = ada.buttons("Tea")[-1]
    action = {
        "type": "button",
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": slack.ts(),
        "text": element["text"],
    }
    for _ in range(3):
        await slack.send(ada.interaction(message, action))
    assert (await ada.heard()).count("heard ('green', 1)") == 1
    assert ada.told() == []


async def test_a_button_answers_its_question_also_where_it_was_said_again(talk):
    @dialog
    def helping():
        yield send_message("Here is help.")

    ada = await talk("Welcome.", DRINK, interrupts=[Interrupt("/help", helping)])
    await ada.say("/help")
    await ada.press("Tea", which=0)
    assert "heard ('green', 1)" in await ada.heard()


async def test_a_button_is_found_among_several_messages_of_one_question(talk):
    ada = await talk(
        Message("Size?", (Button("S", 1), Button("L", 2))),
        "or colour",
        Message("Colour?", (Button("Red", "r"), Button("Blue", "b"))),
    )
    await ada.press("L")
    await ada.press("Blue")
    heard = await ada.heard()
    assert [text for text in heard if "heard" in text] == ["heard 2", "heard 'b'"]


async def test_a_button_that_its_message_does_not_have_answers_nothing(slack, talk):
    ada = await talk(DRINK)
    message, block, element = ada.buttons("Tea")[-1]
    number = element["action_id"].rpartition(":")[0]
    for forged in (f"{number}:7", f"{number}:999999999999", "dialogs:1:0", "dialogs::0"):
        status = await ada.use(message, block, {**element, "action_id": forged})
        assert status == 200
    assert not [text for text in await ada.heard() if "heard" in text]
    assert ada.told() == ["That question is over."] * 4


async def test_one_conversations_button_answers_no_other(slack, talk):
    ada = await talk(DRINK)
    bob = User(slack, "bob")
    await bob.say("hi")
    message, block, element = ada.buttons("Tea")[-1]
    await bob.use(message, block, element)
    assert not [text for text in await bob.heard() if text.startswith("heard")]
    assert not [text for text in await ada.heard() if text.startswith("heard")]


async def test_a_choice_that_cannot_be_shown_harms_nothing(slack, talk):
    ada = await talk(DRINK)
    slack.fail("chat.update", "cant_update_message")
    assert await ada.press("Tea") is None
    assert "heard ('green', 1)" in await ada.heard()
    assert slack.acks[-1][0] == 200


async def test_a_choice_without_the_messages_words_is_not_shown(slack, talk, caplog):
    ada = await talk(DRINK)
    message, block, element = ada.buttons("Tea")[-1]
    await ada.use({"ts": message["ts"]}, block, element)
    assert slack.count("chat.update") == 0
    assert caplog.text == ""
    assert "heard ('green', 1)" in await ada.heard()


# --- blocks of the author's -------------------------------------------------------------------

PICKER = {"type": "static_select", "action_id": "pick", "options": []}
COMPONENTS = {
    "static_select": ({"selected_option": {"text": {"text": "Red"}, "value": "r"}}, "r"),
    "external_select": ({"selected_option": {"text": {"text": "Red"}, "value": "r"}}, "r"),
    "radio_buttons": ({"selected_option": {"text": {"text": "Red"}, "value": "r"}}, "r"),
    "overflow": ({"selected_option": {"text": {"text": "Red"}, "value": "r"}}, "r"),
    "multi_static_select": ({"selected_options": [{"value": "r"}, {"value": "g"}]}, ["r", "g"]),
    "checkboxes": ({"selected_options": []}, []),
    "datepicker": ({"selected_date": "2026-03-01"}, "2026-03-01"),
    "timepicker": ({"selected_time": "13:37"}, "13:37"),
    "datetimepicker": ({"selected_date_time": 1628633820}, 1628633820),
    "users_select": ({"selected_user": "U1"}, "U1"),
    "multi_users_select": ({"selected_users": ["U1", "U2"]}, ["U1", "U2"]),
    "channels_select": ({"selected_channel": "C1"}, "C1"),
    "conversations_select": ({"selected_conversation": "C1"}, "C1"),
    "plain_text_input": ({"value": "a word"}, "a word"),
    "number_input": ({"value": "42"}, "42"),
    "button": ({"value": "yes", "text": {"text": "Yes"}}, "yes"),
}


def with_component(kind, **block):
    element = {"type": kind, "action_id": "mine"}
    return Message("Pick!", blocks=({"type": "actions", "elements": [element], **block},))


@pytest.mark.parametrize("kind", COMPONENTS)
async def test_a_component_of_the_authors_blocks_answers_with_what_was_chosen(slack, talk, kind):
    answer, value = COMPONENTS[kind]
    ada = await talk(with_component(kind))
    message = slack.channels[ada.channel][-1]
    [block] = message["blocks"]
    await ada.use(message, block, block["elements"][0], **answer)
    assert f"heard {value!r}" in await ada.heard()


async def test_a_button_of_the_authors_without_a_value_answers_with_its_label(slack, talk):
    ada = await talk(with_component("button"))
    message = slack.channels[ada.channel][-1]
    [block] = message["blocks"]
    await ada.use(message, block, block["elements"][0], text={"type": "plain_text", "text": "Go"})
    assert "heard 'Go'" in await ada.heard()


def input_block(action_id, kind, **more):
    label = {"type": "plain_text", "text": action_id}
    element = {"type": kind, "action_id": action_id}
    return {"type": "input", "label": label, "element": element, **more}


FORM = Message(
    "Your order",
    blocks=(
        input_block("toppings", "checkboxes"),
        input_block("day", "datepicker", block_id="mine"),
        input_block("note", "plain_text_input"),
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "order", "value": "now"},
                {"type": "users_select", "action_id": "who"},
            ],
        },
    ),
)


async def test_a_button_beside_input_blocks_answers_with_all_of_them(slack, talk):
    ada = await talk(FORM)
    message = slack.channels[ada.channel][-1]
    toppings, day, note, row = message["blocks"]
    filled = {
        toppings["block_id"]: {
            "toppings": {
                "type": "checkboxes",
                "selected_options": [{"value": "ham"}, {"value": "egg"}],
            }
        },
        day["block_id"]: {"day": {"type": "datepicker", "selected_date": "2026-03-01"}},
        note["block_id"]: {"note": {"type": "plain_text_input", "value": None}},
        row["block_id"]: {"who": {"type": "users_select", "selected_user": "U1"}},
    }
    await ada.use(message, row, row["elements"][0], state={"values": filled})
    answer = {"toppings": ["ham", "egg"], "day": "2026-03-01", "note": None, "order": "now"}
    assert f"heard {answer!r}" in await ada.heard()


async def test_another_component_beside_input_blocks_answers_by_itself(slack, talk):
    ada = await talk(FORM)
    message = slack.channels[ada.channel][-1]
    row = message["blocks"][-1]
    state = {"values": {message["blocks"][0]["block_id"]: {"toppings": {"selected_options": []}}}}
    await ada.use(message, row, row["elements"][1], selected_user="U1", state=state)
    assert "heard 'U1'" in await ada.heard()


@pytest.mark.parametrize("block", [{}, {"block_id": "the authors own"}])
async def test_a_component_of_an_old_question_answers_nothing(slack, talk, block):
    """Also where the author has named the block: then our metadata say whose it is."""
    ada = await talk(with_component("datepicker", **block))
    message = dict(slack.channels[ada.channel][-1])
    await ada.say("never mind")
    if not block:
        del message["metadata"]  # the block's own name says enough
    [block] = message["blocks"]
    await ada.use(message, block, block["elements"][0], selected_date="2026-03-01")
    assert [text for text in await ada.heard() if "heard" in text] == ["heard 'never mind'"]
    assert ada.told() == ["That question is over."]


async def test_a_choice_that_is_taken_back_answers_nothing(slack, talk):
    ada = await talk(with_component("static_select"))
    message = slack.channels[ada.channel][-1]
    [block] = message["blocks"]
    await ada.use(message, block, block["elements"][0], selected_option=None)
    assert not [text for text in await ada.heard() if "heard" in text]


async def test_blocks_are_sent_as_given_with_the_text_for_notifications(slack, talk):
    blocks = (
        {"type": "header", "text": {"type": "plain_text", "text": "Report"}},
        {"type": "section", "block_id": "b", "text": {"type": "mrkdwn", "text": "*42* <@U1>"}},
    )
    ada = await talk(Message("Report: 42 & more", blocks=blocks))
    message = slack.channels[ada.channel][-1]
    assert message["blocks"] == list(blocks)
    assert message["text"] == "Report: 42 &amp; more"


async def test_a_dialog_can_hear_who_pressed(slack, talk):
    ada = await talk(DRINK, hears=as_message)
    await ada.press("Tea")
    [said] = [text for text in await ada.heard() if "'value': ('green', 1)" in text]
    assert "'user': 'UADA'" in said
    assert "'kinds': ['direct', 'interactive']" in said


async def test_the_message_that_was_answered_keeps_its_words(slack, talk):
    ada = await talk(Message("Tea & <milk>?", (Button("Yes *now*", True),)))
    await ada.press("Yes *now*")
    [first, *_] = slack.channels[ada.channel][1:]
    assert first["user"] == BOT
    assert seen(first) == "Tea & <milk>?\n✓ Yes *now*"
