use v5.36;

use FindBin;
use List::Util qw(first);
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Api;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Schema;
use Tenon::Test::Data qw(error_of packed vectors);

my @vectors = vectors();
my @good = grep { $_->{frame} } @vectors;
my @rejected = grep { $_->{rejected} } @vectors;

# As a reader on a socket does it: the length is checked before the payload is there. Requests are read to the end, as a
# sidecar does before it calls.
sub read_frame ($bytes) {
    die "cut\n" if length($bytes) < 4;
    my $length = unpack('N', $bytes);
    Tenon::Frame::check_length($length);
    die "cut\n" if length($bytes) < 4 + $length;
    my $frame = Tenon::Frame::decode(substr($bytes, 4));
    if ($frame->[0] == Tenon::Frame::REQUEST) {
        my $api = Tenon::Api->load;
        Tenon::Schema::params_from_wire($api, $api->method($frame->[2]), $api->newest, $frame->[3]);
    }
    return $frame;
}

# Everything but a good frame or a Tenon::Error with one sentence is a defect; undef if there is none.
sub defect_of ($bytes, $reader) {
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    my $err = error_of(sub { $reader->($bytes) });
    return "warned: $warnings[0]" if @warnings;
    return if !defined($err);
    return "died with $err" if !ref($err) || !$err->isa('Tenon::Error');
    return 'no single sentence: ' . $err->message if $err->message !~ m/\A[ -~]+[^.\n]\z/;
    return;
}

subtest 'there are vectors of both kinds' => sub {
    cmp_ok(scalar(@good), '>=', 17, 'good frames');
    cmp_ok(scalar(@rejected), '>=', 14, 'refused bytes');
};

for my $vector (@good) {
    subtest "the good frame $vector->{name}" => sub {
        my $payload = substr($vector->{bytes}, 4);
        my $frame = Tenon::Frame::decode($payload);
        is(packed($frame), packed($vector->{frame}), 'is read as it is written down');

        if ($frame->[0] == Tenon::Frame::FAILURE) {
            my %map = $vector->{frame}->[2]->%*;
            my $err = Tenon::Error->new(
                $map{name}, $map{outcome}, $map{message},
                origin => $map{origin},
                die => $map{die});
            is(unpack('H*', Tenon::Frame::encode_failure($frame->[1], $err)),
                $vector->{hex}, 'is written to the byte');
        } else {
            is(unpack('H*', Tenon::Frame::encode($vector->{frame}, 1)),
                $vector->{hex}, 'is written to the byte');
            is(unpack('H*', Tenon::Frame::encode($frame, 1)),
                $vector->{hex}, 'is written to the byte after reading');
        }
    };
    subtest "what is cut off the good frame $vector->{name}" => sub {
        my $payload = substr($vector->{bytes}, 4);
        my @bad = grep {
            my $cut = substr($payload, 0, $_);
            !error_of(sub { Tenon::Frame::decode($cut) })
        } 0 .. length($payload) - 1;
        is("@bad", '', 'every prefix is refused');
        my @defects =
            grep { defined }
            map { defect_of(substr($payload, 0, $_), \&Tenon::Frame::decode) }
            0 .. length($payload) - 1;
        is_deeply(\@defects, [], 'every prefix is refused with a sentence');
    };
}

for my $vector (@rejected) {
    subtest "the bytes $vector->{name}" => sub {
        my $err = error_of(sub { read_frame($vector->{bytes}) });
        isa_ok($err, 'Tenon::Error') or return diag($err // 'they were read');
        is($err->name, $vector->{rejected}, 'are refused with their code');
        is(defect_of($vector->{bytes}, \&read_frame), undef, 'and with one sentence');
    };
}

subtest 'what Perl alone would not tell apart' => sub {
    my %cases = (
        'a kind that is text' => "\x92\xa1\x07\x2a",
        'a kind that is a digit of text' => "\x92\xa1\x37\x2a",
        'a kind that is a fraction' => "\x92\xcb\x40\x1c\x00\x00\x00\x00\x00\x00\x2a",
        'a kind that is nil' => "\x92\xc0\x2a",
        'an id that is a fraction' => "\x92\x06\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
        'an id that is negative' => "\x92\x06\xff",
        'an id beyond 2^63-1' => "\x92\x06\xcf" . "\xff" x 8,
        'an id that is a boolean' => "\x92\x06\xc3",
        'an id that is nil' => "\x92\x06\xc0",
        'a method that is an integer' => "\x95\x02\x01\x05\x80\x80",
        'a method that is a list' => "\x95\x02\x01\x90\x80\x80",
        'parameters that are a list' => "\x95\x02\x01\xa1a\x90\x80",
        'a context that is nil' => "\x95\x02\x01\xa1a\x80\xc0",
        'a reason that is an integer' => "\x93\x09\x05\xa0",
        'an empty list' => "\x90",
        'nil' => "\xc0",
        'an unused first byte' => "\x92\x06\xc1",
    );
    for my $name (sort keys %cases) {
        my $err = error_of(sub { Tenon::Frame::decode($cases{$name}) });
        is(ref($err) ? $err->name : $err, 'MALFORMED_FRAME', "$name is refused");
    }
    is(Tenon::Frame::decode("\x92\x06\xcf\x7f" . "\xff" x 7)->[1],
        9223372036854775807, 'the largest id is read');
};

subtest 'lists and maps with 32 bit counts are held to the limits before the packer sees them' =>
    sub {
    my $list = sub ($depth) { "\xdd\0\0\0\1" x $depth . "\xc0" };
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01" . $list->(15)) }),
        undef, '16 levels are read');
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01" . $list->(16)) })->name,
        'TOO_DEEP', '17 are refused');

    my $many = "\xdd" . pack('N', 2**20) . "\xc0" x 2**20;
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01$many") }), undef,
        '2^20 elements are read');
    $many = "\xdd" . pack('N', 2**20 + 1) . "\xc0" x (2**20 + 1);
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01$many") })->name,
        'TOO_MANY_ELEMENTS', 'one more is refused');
    };

subtest 'nesting without such counts is refused at 33 levels at the latest' => sub {
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01" . "\x91" x 31 . "\xc0") }),
        undef, '32 levels are read');
    is(error_of(sub { Tenon::Frame::decode("\x93\x03\x01" . "\x91" x 32 . "\xc0") })->name,
        'TOO_DEEP', '33 are refused');
};

subtest 'the length of a frame' => sub {
    is(error_of(sub { Tenon::Frame::check_length($_) })->name, 'FRAME_TOO_LONG', "$_ is refused")
        for 2**24, 2**32 - 1;
    is(error_of(sub { Tenon::Frame::check_length(0) })->name, 'MALFORMED_FRAME', '0 is refused');
    is(error_of(sub { Tenon::Frame::check_length($_) }), undef, "$_ is taken") for 1, 2**24 - 1;
    my $err = error_of(sub { Tenon::Frame::encode([Tenon::Frame::RESPONSE, 1, 'x' x 2**24]) });
    is($err->name, 'FRAME_TOO_LONG', 'a frame that is too long is not written');
};

subtest 'text that is not UTF-8 never leaves in the sentence of a failure' => sub {
    my %cases = (
        "caf\xe9" => 'caf?',
        "caf\x{e9}\x{263a}" => "caf\xc3\xa9\xe2\x98\xba",
        "caf\xc3\xa9" => "caf\xc3\xa9",
        "\xed\xa0\x80" => '???',
    );
    for my $message (sort keys %cases) {
        my $bytes =
            Tenon::Frame::encode_failure(1, Tenon::Error->new('INTERNAL', 'UNKNOWN', $message));
        is(Tenon::Frame::decode(substr($bytes, 4))->[2]->{message},
            $cases{$message}, unpack('H*', $cases{$message}));
    }
};

subtest 'text is octets after reading, whatever the packer makes of it' => sub {
    my %cases = (
        'nothing but ASCII' => 'abc',
        'two bytes a character' => "caf\xc3\xa9",
        'four bytes a character' => "\xf0\x9f\x92\xa9",
        'no UTF-8' => "caf\xe9",
    );
    for my $name (sort keys %cases) {
        my $text = $cases{$name};
        my $str = chr(0xa0 | length($text)) . $text;
        my $frame = Tenon::Frame::decode("\x93\x03\x01\x82\xa1a\x92\x01$str$str\x2a");
        ok($frame->[2]->{a}->[1] eq $text, "$name, as a value");
        ok(exists($frame->[2]->{$text}), "$name, as a key");
        is($frame->[2]->{$text}, 42, "$name, the value of the key");
        is(packed($frame->[2]->{a}->[0]), '01', "$name, the number beside it");
    }
};

subtest 'what may cross as text' => sub {
    my @table = (
        ['', 1],
        ['abc', 1],
        ["\0\n", 1],
        ["\xc3\xa4", 1],
        ["\xe2\x98\xba", 1],
        ["\xf0\x9f\x92\xa9", 1],
        ["\xef\xbf\xbe", 1, 'a noncharacter'],
        ["\xe4", 0],
        ["\xc3", 0, 'a cut sequence'],
        ["\xc3(", 0],
        ["\xc0\x80", 0, 'an overlong NUL'],
        ["\xed\xa0\x80", 0, 'a surrogate'],
        ["\xf4\x90\x80\x80", 0, 'beyond Unicode'],
        ["\xff", 0],
    );
    for my $row (@table) {
        my ($octets, $good, $what) = $row->@*;
        is(!!Tenon::Frame::is_utf8($octets),
            !!$good, ($what // unpack('H*', $octets)) . ($good ? ' may' : ' may not'));
    }
};

subtest '20000 frames made at random are read or refused' => sub {
    my $seed = 20261121;
    srand($seed);
    my @payloads = map { substr($_->{bytes}, 4) } grep { length($_->{bytes}) > 4 } @vectors;
    my ($read, @defects) = (0);
    for my $round (1 .. 20000) {
        my $payload;
        if ($round % 4) {
            $payload = $payloads[rand(@payloads)];
            for (1 .. 1 + rand(4)) {
                my ($at, $what) = (int(rand(length($payload))), int(rand(4)));
                my $byte = chr(int(rand(256)));
                      $what == 0 ? substr($payload, $at, 1, $byte)
                    : $what == 1 ? substr($payload, $at, 0, $byte)
                    : $what == 2 && length($payload) > 1 ? substr($payload, $at, 1, '')
                    : substr($payload, $at, 0,
                    substr($payload, int(rand(length($payload))), int(rand(12))));
            }
        } else {
            $payload = join('', map { chr(int(rand(256))) } 0 .. rand(60));
            $payload = chr(0x91 + int(rand(6))) . chr(1 + int(rand(9))) . $payload if $round % 8;
        }
        my $defect = defect_of($payload, \&Tenon::Frame::decode);
        if (defined($defect)) {
            push @defects, unpack('H*', $payload) . ": $defect";
        } else {
            $read++ if !error_of(sub { Tenon::Frame::decode($payload) });
        }
    }
    is_deeply([@defects[0 .. ($#defects > 4 ? 4 : $#defects)]], [],
        "no defect with the seed $seed");
    cmp_ok($read, '>', 300, "$read of them were good frames");
    cmp_ok($read, '<', 15000, 'and many were not');
};

subtest 'parameters made at random are turned into arguments or refused' => sub {
    my $api = Tenon::Api->load;
    srand(4711);
    my @values = (
        undef, '', '0', 'a', "\xe4", -1, 0, 1.5, 1e300, [], ['a'], [undef], [[]], {},
        { a => 1 },
        { a => {} },
        Data::MessagePack::true(), Data::MessagePack::false(),
    );
    my ($read, @defects) = (0);
    for (1 .. 4000) {
        my @names = $api->method_names;
        my $method = $api->method($names[rand(@names)]);
        my %params = map { $_->{name} => $values[rand(@values)] } $method->{params}->@*;
        $params{other} = $values[rand(@values)] if rand() < 0.1;
        my $defect = defect_of('',
            sub { Tenon::Schema::params_from_wire($api, $method, 9 + int(rand(7)), \%params) });
        push @defects, "$method->{name} with " . packed(\%params) . ": $defect" if defined($defect);
        $read++ if !error_of(sub { Tenon::Schema::params_from_wire($api, $method, 9, \%params) });
    }
    is_deeply([@defects[0 .. ($#defects > 4 ? 4 : $#defects)]], [], 'no defect');
    cmp_ok($read, '>', 100, "$read of them were good");
};

subtest 'counts that lie cost no memory' => sub {
    my $peak = sub {
        open(my $fh, '<', '/proc/self/status')
            or die "cannot read the status of this process: $!\n";
        my ($kib) = map { m/\AVmPeak:\s+(\d+) kB/ ? $1 : () } <$fh>;
        return $kib;
    };
    my @liars = (
        (grep { $_->{name} =~ m/\A(?:huge-array|huge-map|empty-promise|long-text)\z/ } @rejected),
        {
            name => 'sixteen bit counts in each other',
            bytes => "\0\0\0\0" . "\x93\x03\x01" . "\xdc\xff\xff" x 31
        });
    is(scalar(@liars), 5, 'the vectors are there');
    for my $vector (@liars) {
        pipe(my $in, my $out) or die "pipe: $!\n";
        my $pid = fork() // die "fork: $!\n";
        if (!$pid) {
            my $before = $peak->();
            eval { Tenon::Frame::decode(substr($vector->{bytes}, 4)) };
            syswrite($out, $peak->() - $before);
            require POSIX;
            POSIX::_exit(0);
        }
        close($out);
        sysread($in, my $grown, 100);
        waitpid($pid, 0);
        is($?, 0, "$vector->{name} ends no process");
        cmp_ok($grown, '<', 32 * 1024, "$vector->{name} costs less than 32 MiB");
    }
};

done_testing();
