"""What is missed by fine-tuning only the first."""

from nas.report.regret import regret_sentence


def test_it_is_said_up_to_where_it_is_too_little_to_be_shown():
    assert regret_sentence({1: 0.0064, 2: 0.0019, 3: 0.00001, 5: 0.0}, "val_accuracy") == (
        "How far val_accuracy is expected to fall short of the best one’s: 0.0064 if only the first is fine-tuned, "
        "0.0019 if the first 2 are, next to nothing if the first 3 are."
    )
    assert regret_sentence({}, "val_accuracy") == ""
