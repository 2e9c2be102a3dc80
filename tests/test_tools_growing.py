from tools.growing import Growing


def test_only_what_is_new_is_told() -> None:
    told: list[str] = []
    words = Growing(told.append)
    for text in ("", "She", "She", "She said", "She", "She said yes."):
        words.tell(text)
    assert told == ["She", " said", " yes."]


def test_another_text_begins_anew() -> None:
    told: list[str] = []
    words = Growing(told.append)
    words.tell("She said")
    words.tell("He")
    assert told == ["She said", "", "He"]
