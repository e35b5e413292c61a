use v5.36;
no warnings 'once';

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

package PVE::Storage::Custom::Sections { ## no critic (RequireFilenameMatchesPackage)
    use base qw(PVE::Storage::Plugin);

    sub type { return 'sections' }

    sub plugindata {
        return {
            content => [{ images => 1, backup => 1, none => 1 }, { images => 1 }],
            format => [{ raw => 1, qcow2 => 1 }, 'raw'],
        };
    }

    sub properties {
        return {
            's-int' => { type => 'integer', minimum => 1, maximum => 9 },
            's-enum' => { type => 'string', enum => [qw(a b)] },
            's-pattern' => { type => 'string', pattern => '[a-z]+' },
            's-number' => { type => 'number' },
            's-odd' => { type => 'int', minimum => 3 },
            's-bool' => { type => 'boolean' },
            's-text' => { type => 'string', minLength => 2, maxLength => 4 },
            's-hash' => {
                type => 'string',
                format => {
                    a => { type => 'integer', default_key => 1 },
                    b => { type => 'string', optional => 1 }
                },
            },
        };
    }

    sub options {
        my @optional = qw(
            s-enum s-pattern s-number s-odd s-bool s-text s-hash content nodes format server portal
            disable bwlimit content-dirs prune-backups options vgname base subdir port
        );
        return {
            's-int' => {},
            path => { fixed => 1 },
            map { $_ => { optional => 1 } } @optional
        };
    }

    # As plugins do.
    sub check_config {
        my ($class, $id, $config, $create, $skip) = @_;
        my $checked = $class->SUPER::check_config($id, $config, $create, $skip);
        $checked->{extra} = 1 if $config->{disable};
        return $checked;
    }
}

my $class = 'PVE::Storage::Custom::Sections';
$class->register;
PVE::Storage::Plugin->init if $ENV{TENON_PVE_LIB};

my @warnings;
local $SIG{__WARN__} = sub {
    push @warnings, grep { !m/^(?:Exiting|Argument) / } @_;
};

# The value, or the error as text.
sub caught ($code) {
    my $value = eval { $code->() };
    return $@ ? "died: $@" : $value;
}

my %good = ('s-int' => 3, path => '/x');

subtest 'a whole section' => sub {
    my %type = (type => 'sections');
    my @rows = (
        ['a new one', {%good}, 1, { %good, %type }],
        ['its type may stand in it', { %good, %type }, 1, { %good, %type }],
        ['another type', { %good, type => 'x' }, 1, "died: unexpected property 'type'\n"],
        ['a change', { 's-int' => 5 }, 0, { 's-int' => 5, %type }],
        ['no change', {}, 0, {%type}],
        [
            'a fixed option is changed',
            { path => '/y' },
            0, "died: can't change value of fixed parameter 'path'\n"
        ],
        [
            'a required option is missing',
            { 's-int' => 3 },
            1, "died: missing value for required option 'path'\n"
        ],
        [
            'undefined', { %good, 's-int' => undef },
            1, "died: got undefined value for option 's-int'\n"
        ],
        ['unknown', { %good, bogus => 1 }, 1, "died: unexpected property 'bogus'\n"],
        [
            'of another type only',
            { %good, datastore => 'x' },
            1, "died: unexpected property 'datastore'\n"
        ],
        [
            'what the plugin adds',
            { %good, disable => 1 },
            1, { %good, %type, disable => 1, extra => 1 }
        ],
        [
            'lists',
            {
                %good,
                content => 'images,backup',
                nodes => 'a b',
                'content-dirs' => 'images=i,backup=b/c'
            },
            1,
            {
                %good, %type,
                content => { images => 1, backup => 1 },
                nodes => { a => 1, b => 1 },
                'content-dirs' => { images => 'i', backup => 'b/c' },
            },
        ],
        [
            'a content type that the type does not have',
            { %good, content => 'images iso' },
            1,
            { %good, %type, content => { images => 1 } },
            "storage does not support content type 'iso'\n"
        ],
        ['no content at all', { %good, content => '' }, 1, { %good, %type, content => {} }],
        [
            'none and others',
            { %good, content => 'none,images' },
            1, "died: unable to combine 'none' with other content types\n"
        ],
        [
            'a format that the type does not have',
            { %good, format => 'vmdk' },
            1,
            { %good, %type },
            "storage does not support format 'vmdk'\n"
        ],
        [
            'a node that is none',
            { %good, nodes => 'a b!' },
            1, "died: value does not look like a valid node name\n"
        ],
    );
    for my $row (@rows) {
        my ($name, $config, $create, $expected, @expected_warnings) = $row->@*;
        @warnings = ();
        my %before = $config->%*;
        is_deeply(caught(sub { $class->check_config('sid', $config, $create, 1) }),
            $expected, $name);
        is_deeply(\@warnings, \@expected_warnings, "$name: warnings");
        is_deeply($config, \%before, "$name: what was given is as it was");
    }
};

subtest 'one value' => sub {
    my $invalid = 'died: invalid format - ';
    my @rows = (
        ['s-int', 3, 3],
        ['s-int', 10, "died: value must have a maximum value of 9\n"],
        ['s-int', 'x', "died: type check ('integer') failed - got 'x'\n"],
        ['s-enum', 'a', 'a'],
        ['s-enum', 'c', "died: value 'c' does not have a value in the enumeration 'a, b'\n"],
        ['s-pattern', 'abc', 'abc'],
        ['s-pattern', 'A', "died: value does not match the regex pattern\n"],
        ['s-number', '1.5', 1.5],
        ['s-number', 'x', "died: type check ('number') failed - got 'x'\n"],
        ['s-odd', 5, 5],
        ['s-odd', 2, "died: value must have a minimum value of 3\n"],
        ['s-bool', 1, 1],
        ['s-bool', 'yes', "died: type check ('boolean') failed - got 'yes'\n"],
        ['s-text', 'abc', 'abc'],
        ['s-text', 'a', "died: value must be at least 2 characters long\n"],
        ['s-text', 'abcde', "died: value may only be 4 characters long\n"],
        ['s-text', "a\nb", "died: property contains a line feed\n"],
        ['s-hash', '3,b=x', '3,b=x'],
        ['s-hash', 'x', "${invalid}format error\na: type check ('integer') failed - got 'x'\n\n"],
        [
            's-hash', 'b=x',
            "${invalid}format error\na: property is missing and it is not optional\n\n"
        ],
        ['nodes', 'a b!', "${invalid}value does not look like a valid node name\n\n"],
        [
            'server', 'a b',
            "${invalid}value does not look like a valid server name or IP address\n\n"
        ],
        ['bwlimit', 'default=3', 'default=3'],
        [
            'bwlimit', '3',
            "${invalid}value without key, but schema does not define a default key\n\n"
        ],
        ['content-dirs', 'images=../x', "${invalid}invalid override 'images=../x'\n\n"],
        ['prune-backups', 'keep-last=3', 'keep-last=3'],
        [
            'prune-backups', 'keep-all=1,keep-last=2',
            "${invalid}keep-all cannot be set together with other options.\n\n"
        ],
        ['options', 'a b', "${invalid}invalid options 'a b'\n\n"],
        ['vgname', 'a b', "${invalid}lvm name 'a b' contains illegal characters\n\n"],
        ['base', 'x', "${invalid}unable to parse volume ID 'x'\n\n"],
        ['subdir', 'x', "${invalid}value does not look like a valid absolute path\n\n"],
        ['content', 'import', 'import'],
        ['port', '80', 80],
        ['port', '80x', "died: type check ('integer') failed - got '80x'\n"],
        ['port', 70000, "died: value must have a maximum value of 65535\n"],
        ['datastore', 'x', "died: unexpected property 'datastore'\n"],
        ['nothing', 'x', "died: unexpected property 'nothing'\n"],
        ['type', 'sections', 'sections'],
        ['type', 'dir', "died: unexpected property 'type'\n"],
    );
    for my $row (@rows) {
        my ($key, $value, $expected) = $row->@*;
        is(caught(sub { $class->check_value('sections', $key, $value, 'sid') }),
            $expected, "$key $value");
        my $unchecked = caught(sub { $class->check_value('sections', $key, $value, 'sid', 1) });
        my $stays = qr/unexpected property|line feed/;
        my $wanted = $expected =~ $stays ? $expected : undef;
        $wanted
            //= $key =~ m/^(?:s-int|s-number|s-bool|port)$/ ? $value =~ s/\D.*\z//r || 0 : $value
            if $value ne '1.5';
        is($unchecked, $wanted // 1.5, "$key $value, without the schema");
    }
    is(
        caught(sub { $class->check_value('no-such', 'path', '/x', 'sid') }),
        "died: unknown section type 'no-such'\n",
        'a type that nobody registered'
    );
};

subtest 'texts of values' => sub {
    my @rows = (
        ['content', { images => 1, iso => 0 }, 'images'],
        ['content', {}, 'none'],
        ['nodes', { a => 1 }, 'a'],
        ['content-dirs', { images => 'b', backup => 'd' }, 'backup=d,images=b'],
        ['path', '/x', '/x'],
    );
    for my $row (@rows) {
        my ($key, $value, $expected) = $row->@*;
        is($class->encode_value('sections', $key, $value), $expected, "$key $expected");
    }
};

subtest 'headers' => sub {
    my @rows = (
        ['dir: ab', 'dir', 'ab', undef],
        ['DIR:a_b', 'dir', 'a_b', undef],
        ['dir:  ab  ', 'dir', 'ab', undef],
        ['dir: x', 'dir', 'x', "storage ID 'x' cannot be shorter than 2 characters\n"],
        ['dir: a!', 'dir', 'a!', "storage ID 'a!' contains illegal characters\n"],
        ['dir: a b'],
        [': x'],
        [''],
    );
    for my $row (@rows) {
        my ($line, @expected) = $row->@*;
        my @got = PVE::Storage::Plugin->parse_section_header($line);
        is_deeply(\@got, @expected ? [@expected, {}] : [undef], "'$line'");
    }
    is(PVE::Storage::Plugin->format_section_header('dir', 'ab', {}, {}), "dir: ab\n", 'written');
};

subtest 'schemas' => sub {
    my $create = PVE::Storage::Plugin->createSchema;
    my $update = PVE::Storage::Plugin->updateSchema;
    for my $schema ($create, $update) {
        is_deeply([$schema->@{qw(type additionalProperties)}], ['object', 0], 'an object');
        ok($schema->{properties}->{$_}, "has $_") for qw(storage s-int content nodes);
    }
    ok($create->{properties}->{path}, 'a fixed option when it is created');
    ok(!$update->{properties}->{type}, 'no type when it is changed');
    ok($update->{properties}->{$_}->{optional}, "but $_") for qw(delete digest);
    is_deeply(
        [map { $create->{properties}->{$_}->{optional} ? 1 : 0 } qw(storage type s-int)],
        [0, 0, 1],
        'what must be given'
    );
};

subtest 'a property that another type has declared before' => sub {
    plan(skip_all => "PVE's own dies of it") if $ENV{TENON_PVE_LIB};
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    my $other = 'PVE::Storage::Custom::Other';
    @{"${other}::ISA"} = ('PVE::Storage::Plugin');
    *{"${other}::type"} = sub { return 'other' };
    *{"${other}::properties"} = sub { return { 's-int' => { type => 'string' } } };
    *{"${other}::options"} = sub { return { 's-int' => { optional => 1 } } };
    $other->register;
    is_deeply(
        $other->check_config('sid', { 's-int' => 'x' }, 1),
        { type => 'other', 's-int' => 'x' },
        'each type has its own'
    );
    like(
        caught(sub { $class->check_config('sid', { %good, 's-int' => 'x' }, 1) }),
        qr/type check \('integer'\) failed/,
        '... the first one too'
    );
};

done_testing();
