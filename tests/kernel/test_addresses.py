import pytest

from zaitu.kernel.addresses import network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::a:b:c:d", True),
        ("2001:db8:0:0:a:b:c:d", "2001:db8::1:2:3:4", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("not an address", "not an address", True),
    ],
)
def test_addresses_of_one_subscriber_are_counted_together_however_they_are_written(one, other, same):
    assert (network_of(one) == network_of(other)) is same
