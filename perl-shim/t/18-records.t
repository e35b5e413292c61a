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

my $list_images = Tenon::Schema::list_of($api->method('list_images'));

# Of all lists, that one is long is what makes it cross in another way.
my @plain = map {
    {
        volid => "nas:100/vm-100-disk-$_.raw",
        format => 'raw',
        size => 4096 * $_,
        vmid => "$_",
        content => 'images'
    }
} 1 .. 40;

sub written ($method, $list, $may_pack) {
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    my $wire = Tenon::Schema::result_to_wire($method, [$list], 'nas', $may_pack);
    my $bytes = Tenon::Frame::encode([Tenon::Frame::RESPONSE, 300, $wire]);
    return (substr($bytes, 4), \@warnings);
}

# What the packer makes of it, which shows numbers that have become text.
sub canonical ($list) {
    return unpack('H*', Tenon::Frame::encode([Tenon::Frame::RESPONSE, 1, $list], 1));
}

for my $what (sort keys %records) {
    for my $name (qw(list_images list_volumes)) {
        my $method = $api->method($name);
        my %lists = (
            'alone' => [map { $records{$what}->@* } 1 .. 20],
            'at the end' => [@plain, $records{$what}->@*],
            'in between' => [@plain, $records{$what}->@*, @plain],
        );
        for my $where (sort keys %lists) {
            my ($one_by_one) = written($method, $lists{$where}, 0);
            my ($together) = written($method, $lists{$where}, 1);
            my $expected = Tenon::Frame::decode($one_by_one)->[2];
            is(canonical(Tenon::Frame::decode($together)->[2]),
                canonical($expected), "$name of $what, $where, leaves the same");

            my $slow = eval { Tenon::Schema::result_from_wire($method, $expected, 0) };
            my $err = $@;
            for my $payload ($one_by_one, $together) {
                my $frame =
                    Tenon::Records::from_wire({ 300 => Tenon::Schema::list_of($method) }, \$payload)
                    // next;
                is_deeply(
                    $frame,
                    [Tenon::Frame::RESPONSE, 300, $slow, 1],
                    "$name of $what, $where, arrives the same"
                ) or diag($err);
            }
        }
    }
}

subtest 'a long list of plain records takes the short way' => sub {
    my $method = $api->method('list_images');
    for my $change (
        sub ($record) { },
        sub ($record) { $record->{parent} = undef },
        sub ($record) { $record->{parent} = 'base' if $record->{vmid} % 2 },
        sub ($record) { delete $record->{format} },
        sub ($record) { $record->{lun} = $record->{vmid} },
    ) {
        my @list = map {
            { $_->%* }
        } @plain;
        $change->($_) for @list;
        my $wire = Tenon::Records::to_wire($method->{result}, \@list, 'nas',
            sub ($record) { die "one of them is looked at\n" });
        my $bytes = substr(Tenon::Frame::encode([Tenon::Frame::RESPONSE, 5, $wire]), 4);
        my $came = Tenon::Records::from_wire({ 5 => $list_images }, \$bytes);
        is(scalar($came->[2]->@*), 40, 'and the way back');
        is(packed($came->[2]->[0]->{size}), packed(4096), 'with numbers for numbers');
        ok(!Tenon::Records::from_wire({ 6 => $list_images }, \$bytes),
            'as the answer to its call alone');
    }
};

subtest 'bytes that only look like a list are left to others' => sub {
    my ($good) = written($api->method('list_images'), \@plain, 1);
    ok(Tenon::Records::from_wire({ 300 => $list_images }, \$good), 'a good one is read');
    my %bad = (
        'cut short' => substr($good, 0, -1),
        'with a byte too many' => "$good\x01",
        'with a count that is larger' => $good =~ s/\xdc\x00\x28/\xdc\x00\x29/r,
        'with a count of 32 bits' => $good =~ s/\xdc\x00\x28/\xdd\x7f\xff\xff\xff/r,
        'with a name twice' => $good =~ s/\xa4vmid/\xa4size/r,
        'with a name that is missing' => $good =~ s/\xa5volid/\xa5valid/r,
        'with a number in place of a name' => $good
            =~ s/\xa6format\xd9\x03raw/\xa6format\xcd\x03\x07/r,
        'with text that is not ASCII' => $good =~ s/disk-9/disk-\xe4/r,
        'with a number that is too large' => $good =~ s/size\xcf\x00/size\xcf\x80/r,
    );
    for my $what (sort keys %bad) {
        my $payload = $bad{$what};
        isnt($payload, $good, "$what: it is another one");
        my $slow = eval {
            Tenon::Schema::result_from_wire($api->method('list_images'),
                Tenon::Frame::decode($payload)->[2], 0);
        };
        my $came = eval { Tenon::Records::from_wire({ 300 => $list_images }, \$payload) };
        is_deeply($came ? $came->[2] : undef, $slow, "$what: it is read as one by one");
    }
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
