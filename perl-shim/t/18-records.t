use v5.36;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Api;
use Tenon::Frame;
use Tenon::Records;
use Tenon::Schema;
use Tenon::Test::Data qw(packed);

my $api = Tenon::Api->load;
my %records = (
    'nothing' => [],
    'plain ones' => [
        { volid => 'nas:100/a.raw', format => 'raw', size => 5, vmid => 100, content => 'images' },
        { volid => '100/b.qcow2', size => '17', used => undef, content => 'images' },
    ],
    'numbers that are text or fractions' =>
        [{ volid => 'nas:a', size => '1e3', vmid => '7', ctime => 5.5, content => 'iso' }],
    'a name in UTF-8' => [{ volid => "nas:iso/\xc3\xa4.iso", format => 'iso', content => 'iso' }],
    'a name with a line break' => [{ volid => "nas:a\nb", content => 'iso' }],
    'a name that looks like a reference' => [{ volid => 'nas:HASH(0x55)', content => 'iso' }],
    'an empty parent' => [{ volid => 'nas:a', parent => '', content => 'images' }],
    'an owner that is none' => [{ volid => 'nas:a', vmid => 'x', content => 'images' }],
    'a key of its own' => [{ volid => 'nas:a', content => 'images', lun => { a => 1 } }],
    'a protected backup with notes' => [
        { volid => 'nas:backup/a', content => 'backup', protected => 1, notes => 'mine' },
        { volid => 'nas:backup/b', content => 'backup', protected => 0, notes => "\x{e4}" },
        { volid => 'nas:backup/c', content => 'backup', protected => undef },
    ],
    'a size with many digits' =>
        [{ volid => 'nas:a', size => '9223372036854775807', content => 'iso' }],
    'an object' => [bless({ volid => 'nas:a', content => 'iso' }, 'Volume')],
);

# The same without the way for plain lists.
sub one_by_one ($code) {
    no warnings 'redefine';
    local *Tenon::Records::to_wire = sub { return };
    local *Tenon::Records::from_wire = sub { return 0 };
    return $code->();
}

for my $what (sort keys %records) {
    for my $name (qw(list_images list_volumes)) {
        my $method = $api->method($name);
        my @warnings;
        local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
        my $write = sub { Tenon::Schema::result_to_wire($method, [$records{$what}], 'nas') };
        my $frame = sub ($wire) { Tenon::Frame::encode([Tenon::Frame::RESPONSE, 1, $wire], 1) };
        my $wire = $write->();
        my $bytes = $frame->($wire);
        is(
            unpack('H*', $bytes),
            unpack('H*', $frame->(one_by_one($write))),
            "$name of $what leaves the same"
        );

        my $read = sub {
            my $came = Tenon::Frame::decode(substr($bytes, 4));
            return Tenon::Schema::result_from_wire($method, $came->[2], 0);
        };
        is_deeply($read->(), one_by_one($read), "$name of $what arrives the same");
    }
}

subtest 'a plain list is made by the loop of its shape' => sub {
    my $result = $api->method('list_images')->{result};
    my $plain =
        Tenon::Records::to_wire($result, [{ volid => 'a', format => 'raw', size => '7' }], 'nas');
    is_deeply(
        $plain,
        [{ volid => 'nas:a', format => 'raw', size => 7 }],
        'with the storage in its name'
    );
    is(packed($plain->[0]->{size}), packed(7), 'and a number for a number');
    is(Tenon::Records::to_wire($result, [{ volid => 'a', lun => 1 }], 'nas'), undef,
        'and no other');
};

subtest 'text of a frame that is long or not ASCII is octets' => sub {
    for my $text ('x' x 40, 'x' x 300, 'x' x 70_000, "\xc3\xa4", "\xc3\xa4" x 200, "\xdd\xaa" x 9) {
        my $came = Tenon::Frame::decode(
            substr(
                Tenon::Frame::encode([Tenon::Frame::RESPONSE, 1, [$text, 0xdddddddd, 0xc2808080]]),
                4
            ));
        is(unpack('H*', $came->[2]->[0]), unpack('H*', $text), length($text) . ' bytes');
        ok(!utf8::is_utf8($came->[2]->[0]), 'as octets');
    }
};

subtest 'a count of 32 bits that nothing stands behind is refused, wherever it is' => sub {
    for my $before ("\x93\x03\x01", "\x93\x03\x01\x92\xa1x", "\x93\x03\x01\x92\xd9\x20" . 'x' x 32)
    {
        my $good = eval { Tenon::Frame::decode("$before\xdd\x7f\xff\xff\xff"); 1 };
        ok(!$good && ref($@) && $@->name eq 'TOO_MANY_ELEMENTS', 'after ' . unpack('H*', $before));
    }
};

done_testing();
