use v5.36;

use FindBin;
use Symbol qw(qualify_to_ref);
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Error;
use Tenon::Frame;
use Tenon::Test::Data qw(error_of errors packed);
use Tenon::Test::Objects;

my @rows = errors()->@*;

package Tenon::Test::Mute { ## no critic (RequireFilenameMatchesPackage)
    use overload '""' => sub { die "no text\n" };
}

package Tenon::Test::Empty {
    use overload '""' => sub { '' };
}

subtest 'every row of the table has its number' => sub {
    cmp_ok(scalar(@rows), '>=', 30, 'there are rows');
    for my $row (@rows) {
        is(Tenon::Error::code_of($row->{name}), $row->{code}, "$row->{name} to its number");
        is(Tenon::Error::name_of($row->{code}), $row->{name}, "$row->{code} to its name");
        is(
            packed(Tenon::Error::code_of($row->{name})),
            packed($row->{code} + 0),
            "$row->{name} crosses as an integer"
        );
    }
};

subtest 'a name that is no row is a defect of the caller' => sub {
    like(
        error_of(sub { Tenon::Error::code_of('NO_SUCH') }),
        qr/\Athere is no error named 'NO_SUCH'\n\z/,
        'it dies'
    );
};

subtest 'a number that a newer side made up counts as INTERNAL' => sub {
    is(Tenon::Error::name_of($_), 'INTERNAL', 'that is ' . ($_ // 'undef'))
        for 0x0001FFFF, 0x01000000, 0, -1, undef, '', 'NOT_FOUND';
};

subtest 'an error holds what it was given' => sub {
    my $err = Tenon::Error->new('NOT_FOUND', 'NOT_STARTED', "no volume 'a'", origin => 'daemon');
    is($err->name, 'NOT_FOUND', 'name');
    is($err->outcome, 'NOT_STARTED', 'outcome');
    is($err->message, "no volume 'a'", 'message');
    is($err->origin, 'daemon', 'origin');
    is($err->die_text, undef, 'no text of a plugin');
    is($err->exception, undef, 'no fields of an exception');
    is(
        Tenon::Error->new('NOT_FOUND', 'NOT_STARTED', 'x')->origin,
        'client',
        'the origin is this side unless told'
    );
};

subtest 'an error as text' => sub {
    my @table = (
        ['a message gets a newline', {}, "the message\n"],
        ['the text of a plugin stays', { die => "plugin text\n" }, "plugin text\n"],
        ['without a newline too', { die => 'plugin text at X line 1' }, 'plugin text at X line 1'],
        ['an empty one too', { die => '' }, ''],
        ['a false one too', { die => '0' }, '0'],
        ['several lines too', { die => "a\nb\n\n" }, "a\nb\n\n"],
        ['bytes that are no UTF-8 too', { die => "caf\xe9\n" }, "caf\xe9\n"],
        ['characters too', { die => "\x{263a}\n" }, "\x{263a}\n"],
    );
    for my $row (@table) {
        my ($name, $more, $text) = $row->@*;
        my $err = Tenon::Error->new('PLUGIN_DIED', 'UNKNOWN', 'the message', $more->%*);
        is("$err", $text, $name);
        is($err->text, $text, "$name, asked for by name");
    }
};

subtest 'an error is true, compares as text and is thrown as an object' => sub {
    my $err = error_of(sub { Tenon::Error->throw('INTERNAL', 'UNKNOWN', 'x', die => '') });
    isa_ok($err, 'Tenon::Error');
    ok($err, 'true, also with an empty text');
    ok($err eq '', 'equal to its text');
    is(Tenon::Error->new('INTERNAL', 'UNKNOWN', 'x') . 'y', "x\ny", 'put together with text');
};

subtest 'the text of a plugin crosses to the byte' => sub {
    my @table = (
        ['plain', "can't do it\n", 0],
        ['no newline', 'at PLUGIN line 7.', 0],
        ['empty', '', 0],
        ['latin 1', "caf\xe9\n", 0],
        ['UTF-8 as bytes', "caf\xc3\xa9\n", 0],
        ['all bytes', join('', map { chr } 0 .. 255), 0],
        ['wide characters', "\x{263a}\n", 1],
        ['narrow characters', do { my $text = "caf\xe9\n"; utf8::upgrade($text); $text }, 1],
        ['long', ('x' x 70000) . "\n", 0],
    );
    for my $row (@table) {
        my ($name, $text, $characters) = $row->@*;
        my $err = Tenon::Error->new(
            'PLUGIN_DIED', 'UNKNOWN', 'message',
            die => $text,
            origin => 'sidecar'
        );
        my $map = Tenon::Frame::decode(substr(Tenon::Frame::encode_failure(7, $err), 4))->[2];
        is(!!$map->{die_characters}, !!$characters, "$name: the kind of the text crosses");
        my $got = $map->{die};
        utf8::decode($got) if $map->{die_characters};
        ok($got eq $text, "$name: the text crosses");
    }
};

subtest 'the message of what a plugin died with' => sub {
    my @table = (
        ['the end of the line goes', "no space left\n", 'no space left'],
        ['all of it', "a\nb \n\n", "a\nb"],
        ['no text', '', 'the plugin died without a text'],
        ['nothing but a line', "\n", 'the plugin died without a text'],
        ['a false one', "0\n", '0'],
        ['a last character whose last byte alone is a space', "voil\xc3\xa0\n", "voil\xc3\xa0"],
        ['bytes that are no UTF-8', "caf\xe9\n", 'caf?'],
        ['characters', "\x{263a}\n", "\xe2\x98\xba"],
    );
    for my $row (@table) {
        my ($name, $text, $message) = $row->@*;
        my $err = Tenon::Error->of_plugin($text);
        my $map = Tenon::Frame::decode(substr(Tenon::Frame::encode_failure(7, $err), 4))->[2];
        is($map->{message}, $message, $name);
    }
    is(Tenon::Error::text_of(undef), '', 'undef has an empty text');
    is(
        Tenon::Error::text_of(bless {}, 'Tenon::Test::Mute'),
        'the plugin died with an object that has no text',
        'an object that dies when it is asked'
    );
};

subtest 'the words of an object' => sub {
    my @methods = qw(to_string as_string stringify message msg text error);
    for my $shape (map { ["method $_", $_, undef] } @methods) {
        my ($what, $method) = $shape->@*;
        my $package = "Tenon::Test::With\u$method";
        *{ qualify_to_ref($method, $package) } = sub { return "words of $method\n" };
        for my $thing (bless({}, $package), bless([], $package), bless(\my $scalar, $package)) {
            is(Tenon::Error::text_of($thing), "words of $method\n", "$what of " . ref($thing));
            is(
                Tenon::Error->of_plugin(Tenon::Error::text_of($thing))->message,
                "words of $method",
                "$what: the message"
            );
        }
        is(Tenon::Error::text_of(bless({ $method => 'kept' }, 'Tenon::Test::Silent')),
            'kept', "field $method");
    }
    my $overloaded = Tenon::Test::Words->new("overloaded\n");
    is(Tenon::Error::text_of($overloaded), "overloaded\n", 'an overload');
    is(Tenon::Error::text_of(Tenon::Test::Falsehood->new), 'false', 'an object that is false');
    is(Tenon::Error::text_of(bless({ message => 'spare' }, 'Tenon::Test::Mute')),
        'spare', 'an overload that dies, beside a field');
    is(Tenon::Error::text_of(bless({ message => 'spare' }, 'Tenon::Test::Empty')),
        'spare', 'an overload that says nothing, beside a field');
    is(
        Tenon::Error::text_of(
            bless({ message => { a => 1 }, text => 'plain' }, 'Tenon::Test::Silent')
        ),
        'plain',
        'a message that is no text, beside one that is'
    );
    like(
        Tenon::Error::text_of(bless({}, 'Tenon::Test::Silent')),
        qr/\ATenon::Test::Silent=HASH/,
        'an object that has no words is told by its class'
    );
};

subtest 'a failure on the wire' => sub {
    my $err = Tenon::Error->new('BAD_RESULT', 'FAILED_CLEAN', 'message',
        exception => { msg => "m\n", code => '400', errors => { a => 'b', c => undef } });
    my $frame = Tenon::Frame::decode(substr(Tenon::Frame::encode_failure(9, $err), 4));
    is_deeply(
        $frame,
        [
            Tenon::Frame::FAILURE,
            9,
            {
                code => 131075,
                exception => { msg => "m\n", code => '400', errors => { a => 'b', c => undef } },
                message => 'message',
                name => 'BAD_RESULT',
                origin => 'client',
                outcome => 'FAILED_CLEAN',
            },
        ],
        'holds all of it and no text of a plugin',
    );
};

subtest 'the data files lie where TENON_PROTO_DIR says' => sub {
    local $ENV{TENON_PROTO_DIR} = '/nowhere';
    is(Tenon::Error::resource('errors.json'), '/nowhere/errors.json', 'there');
};

done_testing();
