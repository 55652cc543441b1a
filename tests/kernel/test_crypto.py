import base64

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from zaitu.kernel.crypto import (
    EncryptedTextField,
    Undecipherable,
    blind_index,
    blind_indexes,
    decrypt,
    encrypt,
    fingerprint,
    fingerprint_fits,
    is_sealed,
    key_ids,
    seal,
    sealed_newly,
    token_start,
    unseal,
)

OLD = base64.urlsafe_b64encode(b"o" * 32).decode()
NEW = base64.urlsafe_b64encode(b"n" * 32).decode()


@hypothesis_settings(deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_what_was_encrypted_can_be_read_again(text):
    text = text.encode("utf-8", "ignore").decode() or "x"
    token = encrypt(text)
    assert decrypt(token) == text
    assert token.isascii()


def test_the_same_text_never_encrypts_alike_and_never_shows():
    first, second = encrypt("13812345678"), encrypt("13812345678")
    assert first != second
    assert "13812345678" not in first
    assert b"13812345678" not in base64.urlsafe_b64decode(first)


def test_an_altered_value_is_noticed():
    raw = bytearray(base64.urlsafe_b64decode(encrypt("张三")))
    for place in range(len(raw)):
        altered = bytearray(raw)
        altered[place] ^= 1
        with pytest.raises(Undecipherable):
            decrypt(base64.urlsafe_b64encode(altered).decode())


@pytest.mark.parametrize("token", ["x", "plain text", "AAAA", "中文", "A" * 40])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Undecipherable):
        decrypt(token)


def test_after_a_new_key_is_put_first_old_values_are_read_and_found(settings):
    settings.ZAITU_DATA_KEY = OLD
    token, index = encrypt("张三"), blind_index("5678", "tail")
    assert blind_indexes("5678", "tail") == (index,)
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    assert decrypt(token) == "张三"
    assert blind_indexes("5678", "tail") == (blind_index("5678", "tail"), index)
    assert blind_index("5678", "tail") != index
    fresh = encrypt("李四")
    settings.ZAITU_DATA_KEY = NEW
    assert decrypt(fresh) == "李四"
    with pytest.raises(Undecipherable, match="not configured"):
        decrypt(token)


def test_a_fingerprint_fits_its_text_as_long_as_its_key_is_there(settings):
    settings.ZAITU_DATA_KEY = OLD
    old, before_keys_were_named = fingerprint("an order", "x"), blind_index("an order", "x")
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    for stored in (old, before_keys_were_named, fingerprint("an order", "x")):
        assert fingerprint_fits(stored, "an order", "x")
        assert not fingerprint_fits(stored, "another", "x")
        assert not fingerprint_fits(stored, "an order", "y")
    settings.ZAITU_DATA_KEY = NEW
    assert not fingerprint_fits(old, "an order", "x")
    assert fingerprint_fits("", "an order", "x"), "it was forgotten with its key"


def test_every_token_says_at_its_start_whose_key_it_is(settings):
    settings.ZAITU_DATA_KEY = OLD
    token, sealed = encrypt("张三"), seal(b"x", "a")
    assert token.startswith(token_start())
    assert sealed_newly(sealed)
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    assert not token.startswith(token_start())
    assert encrypt("张三").startswith(token_start())
    assert not sealed_newly(sealed)
    assert len(key_ids()) == 2
    assert key_ids()[0] == fingerprint("", "x")[:8]


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff" + bytes(range(256)) * 40])
def test_a_sealed_file_opens_under_its_name_and_shows_nothing(content):
    sealed = seal(content, "a")
    assert is_sealed(sealed)
    assert not is_sealed(content)
    assert len(sealed) == len(content) + 36
    assert b"\xff\xd8\xff" not in sealed
    assert unseal(sealed, "a") == content
    with pytest.raises(Undecipherable):
        unseal(sealed, "b")


def test_an_altered_or_cut_file_is_noticed():
    sealed = seal(b"a photo", "a")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(Undecipherable):
            unseal(bytes(altered), "a")
        with pytest.raises(Undecipherable):
            unseal(sealed[:place], "a")


def test_a_file_names_its_key_as_values_do(settings):
    settings.ZAITU_DATA_KEY = OLD
    sealed = seal(b"a photo", "a")
    settings.ZAITU_DATA_KEY = f"{NEW},{OLD}"
    assert unseal(sealed, "a") == b"a photo"
    settings.ZAITU_DATA_KEY = NEW
    with pytest.raises(Undecipherable, match="not configured"):
        unseal(sealed, "a")


def test_an_index_finds_within_its_purpose_only():
    assert blind_index("5678", "tail") == blind_index("5678", "tail")
    assert blind_index("5678", "tail") != blind_index("5678", "phone")
    assert blind_index("5678", "tail") != blind_index("5679", "tail")


@pytest.mark.parametrize("key", ["short", base64.urlsafe_b64encode(b"x" * 16).decode(), "!"])
def test_a_wrong_key_is_named_at_once(settings, key):
    settings.ZAITU_DATA_KEY = key
    with pytest.raises(ImproperlyConfigured, match="ZAITU_DATA_KEY"):
        encrypt("x")


def test_a_field_stores_ciphertext_and_cannot_be_searched_in_vain():
    field = EncryptedTextField(null=True)
    field.set_attributes_from_name("phone")
    stored = field.get_prep_value("13812345678")
    assert "138" not in stored[:3]
    assert field.from_db_value(stored, None, None) == "13812345678"
    assert field.get_prep_value(None) is None
    assert field.from_db_value(None, None, None) is None
    assert field.get_lookup("isnull") is not None
    with pytest.raises(FieldError, match="blind index"):
        field.get_lookup("exact")
