# The file is long because every type of the table is tested here, both ways, as it stands in one module.
use v5.36;

use B ();
use Data::MessagePack ();
use FindBin;
use JSON::PP ();
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Api;
use Tenon::Cache;
use Tenon::Frame;
use Tenon::Schema;
use Tenon::Test::Data qw(error_of packed);
use Tenon::Test::Objects;

my ($TRUE, $FALSE) = (Data::MessagePack::true(), Data::MessagePack::false());
my $api = Tenon::Api->load;

sub to_wire ($name, $level, @args) {
    return Tenon::Schema::params_to_wire($api, $api->method($name), $level, \@args);
}

sub from_wire ($name, $level, $params) {
    return Tenon::Schema::params_from_wire($api, $api->method($name), $level, $params);
}

sub result_to_wire ($name, @values) {
    return Tenon::Schema::result_to_wire($api->method($name), \@values, 'nas');
}

# The one or more warnings of the code.
sub warnings_of ($code) {
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    $code->();
    return @warnings;
}

# Dies with this name and outcome, in one sentence that matches.
sub refused ($code, $name, $outcome, $pattern, $what) {
    my $err = error_of($code);
    my @got = ref($err)
        && $err->isa('Tenon::Error') ? ($err->name, $err->outcome) : ('no Tenon::Error', $err);
    is("@got", "$name $outcome", "$what is refused") or return;
    like($err->message, $pattern, "$what: the sentence");
    like($err->message, qr/\A[ -~]+\z/, "$what: the sentence is one line of ASCII");
    return;
}

# A number that was printed once: to the packer it is text.
sub printed ($number) {
    my $text = "$number";
    return $number;
}

# A byte string that holds characters in one byte each, with the flag of Perl's other form.
sub upgraded ($text) {
    utf8::upgrade($text);
    return $text;
}

my $CYCLE = {};
$CYCLE->{self} = $CYCLE;
my $DEEP = 'leaf';
$DEEP = [$DEEP] for 1 .. 11;
my $DEEPEST = 'leaf';
$DEEPEST = { a => $DEEPEST } for 1 .. 10;

my @scfg = ({ type => 'dir' });

subtest 'one parameter to the wire' => sub {

    # method, arguments before it, its name, then rows of: what, value, wire value
    my @groups = ([
            'alloc_image',
            ['nas', @scfg, 100, 'raw', undef],
            'size', 'kib',
            [
                ['an integer', 4194304, 4194304],
                ['zero', 0, 0],
                ['a numeric string', '4194304', 4194304],
                ['a numeric string with blanks', " 42\n", 42],
                ['leading zeros', '007', 7],
                ['a number that was printed', printed(5), 5],
                ['1e12', 1e12, 1000000000000],
                ['1e12 as text', '1e12', 1000000000000],
                ['2**40', 2**40, 1099511627776],
                ['a fraction, rounded up', 1.2, 2],
                ['a fraction as text, rounded up', '1.2', 2],
                ['an even fraction', 7.0, 7],
                ['2^53', 9007199254740992, 9007199254740992],
                ['true', JSON::PP::true(), 1],
                ['an object with text', Tenon::Test::Words->new('12'), 12],
            ]
        ],
        [
            'volume_size_info',
            [@scfg, 'nas', 'v'],
            'timeout',
            'seconds?',
            [
                ['undef', undef, undef],
                ['an integer', 5, 5],
                ['a fraction, cut', 5.9, 5],
                ['2^31', 2147483648, 2147483648],
            ]
        ],
        [
            'list_images',
            ['nas', @scfg],
            'vmid', 'vmid?',
            [
                ['undef', undef, undef],
                ['an integer', 100, 100],
                ['text', '100', 100],
                ['the largest', 999999999, 999999999],
            ]
        ],
        [
            'free_image',
            ['nas', @scfg, 'v'],
            'isBase', 'bool?',
            [
                ['undef', undef, undef],
                ['1', 1, $TRUE],
                ['0', 0, $FALSE],
                ['the text 0', '0', $FALSE],
                ['the empty text', '', $FALSE],
                ['any other text', 'no', $TRUE],
                ['0.0 as text', '0.0', $TRUE],
                ['a comparison that fails', !!0, $FALSE],
                ['true of JSON', JSON::PP::true(), $TRUE],
                ['false of JSON', JSON::PP::false(), $FALSE],
                ['an object that is false', Tenon::Test::Falsehood->new, $FALSE],
                ['a reference', [], $TRUE],
            ]
        ],
        [
            'deactivate_volume',
            ['nas', @scfg],
            'volname',
            'volname',
            [
                ['text', '100/vm-100-disk-0.raw', '100/vm-100-disk-0.raw'],
                ['a newline inside', "a\nb", "a\nb"],
                ['empty', '', ''],
                ['an integer', 7, '7'],
                ['octets of UTF-8', "caf\xc3\xa9", "caf\xc3\xa9"],
                ['wide characters', "\x{263a}", "\xe2\x98\xba"],
                ['narrow characters', upgraded("caf\xe9"), "caf\xc3\xa9"],
                ['an object with text', Tenon::Test::Words->new('vm-1'), 'vm-1'],
            ]
        ],
        [
            'deactivate_volume', ['nas', @scfg, 'v'],
            'snapname', 'snapname?',
            [['undef', undef, undef], ['empty, which is not undef', '', ''], ['0', 0, '0'],]
        ],
        [
            'list_images',
            ['nas', @scfg, undef],
            'vollist',
            'list<volid>?',
            [
                ['undef', undef, undef],
                ['an empty list', [], []],
                ['names', ['nas:a', 'other:b'], ['nas:a', 'other:b']],
                ['undef inside, which the far side refuses', [undef], [undef]],
                ['numbers', [1], ['1']],
            ]
        ],
        [
            'activate_volume',
            ['nas', @scfg, 'v', undef, undef],
            'hints', 'hints?',
            [
                ['undef', undef, undef],
                ['an empty hash', {}, {}],
                ['truth', { 'guest-is-windows' => 1 }, { 'guest-is-windows' => 1 }],
                ['truth as text', { a => '1' }, { a => 1 }],
                [
                    'falsehood of all kinds',
                    { a => undef, b => '', c => 0, d => JSON::PP::false() },
                    { a => 0, b => 0, c => 0, d => 0 }
                ],
                ['true of JSON', { a => JSON::PP::true() }, { a => 1 }],
                ['a wide key', { "\x{263a}" => 1 }, { "\xe2\x98\xba" => 1 }],
            ]
        ],
        [
            'get_subdir',
            [],
            'scfg',
            'section',
            [
                ['empty', {}, {}],
                [
                    'text and undef',
                    { path => '/a', nodes => undef },
                    { path => '/a', nodes => undef }
                ],
                [
                    'numbers become text',
                    { shared => 1, size => 1.5, n => printed(3) },
                    { shared => '1', size => '1.5', n => '3' }
                ],
                ['sets', { content => { images => 1 } }, { content => { images => '1' } }],
                ['lists', { a => [1, [2], undef] }, { a => ['1', ['2'], undef] }],
                [
                    'booleans',
                    { a => JSON::PP::true(), b => JSON::PP::false(), c => $TRUE, d => $FALSE },
                    { a => '1', b => '0', c => '1', d => '0' }
                ],
                ['objects with text', { a => Tenon::Test::Words->new('text') }, { a => 'text' }],
                [
                    'wide text and keys',
                    { "\x{263a}" => "\x{263b}" },
                    { "\xe2\x98\xba" => "\xe2\x98\xbb" }
                ],
                ['ten levels', $DEEPEST, $DEEPEST],
            ]
        ],
    );
    for my $group (@groups) {
        my ($method, $before, $name, $type, $rows) = $group->@*;
        is($api->method($method)->{param}->{$name}->{type},
            $type, "$method: $name is of type $type");
        for my $row ($rows->@*) {
            my ($what, $value, $wire) = $row->@*;
            my @args = ($before->@*, $value);
            push @args, 'images' if $method eq 'get_subdir';
            my $got = eval { to_wire($method, 15, @args)->{$name} };
            is($@, '', "$type: $what is taken");
            is(packed($got), packed($wire), "$type: $what");
        }
    }
};

subtest 'parameters that are refused' => sub {
    my @alloc = ('nas', @scfg, 100, 'raw', undef);
    my @table = (

        # what, method, arguments, name, pattern
        [
            'a negative size',
            'alloc_image',
            [@alloc, -1],
            qr/'size' must be an integer 0 \.\. 9007199254740992, got '-1'/
        ],
        ['a size of no digits', 'alloc_image', [@alloc, 'x'], qr/'size'.*got 'x'/],
        ['an empty size', 'alloc_image', [@alloc, ''], qr/'size'.*got ''/],
        ['hexadecimal', 'alloc_image', [@alloc, '0x10'], qr/got '0x10'/],
        ['a unit', 'alloc_image', [@alloc, '4G'], qr/got '4G'/],
        ['digits of another script', 'alloc_image', [@alloc, "\x{663}"], qr/got '\?'/],
        ['not a number', 'alloc_image', [@alloc, 'nan' + 0], qr/got 'NaN'/],
        ['infinity', 'alloc_image', [@alloc, 9**9**9], qr/got 'Inf'/],
        ['beyond 2^53', 'alloc_image', [@alloc, 9007199254740993], qr/got '9007199254740993'/],
        ['far beyond', 'alloc_image', [@alloc, 1e30], qr/got '1e\+30'/],
        ['20 digits', 'alloc_image', [@alloc, '9' x 20], qr/got '9{20}'/],
        ['a list for a size', 'alloc_image', [@alloc, [1]], qr/got a reference to ARRAY/],
        ['an undefined size', 'alloc_image', [@alloc, undef], qr/'size' is undef/],
        ['a missing size', 'alloc_image', [@alloc], qr/'size' is missing/],
        ['nothing at all', 'alloc_image', [], qr/'storeid' is missing/],
        [
            'too many', 'alloc_image', [@alloc, 1, 2],
            qr/at most 6 parameters at API level 15, got 7/
        ],
        ['one for a method without any', 'api', [1], qr/at most 0 parameters/],
        [
            'a guest beyond the largest',
            'list_images',
            ['nas', @scfg, 1000000000],
            qr/'vmid' must be an integer 0 \.\. 999999999/
        ],
        ['a negative guest', 'list_images', ['nas', @scfg, -100], qr/got '-100'/],
        ['a guest as empty text', 'list_images', ['nas', @scfg, ''], qr/got ''/],
        [
            'seconds beyond 2^31',
            'volume_size_info',
            [@scfg, 'nas', 'v', 2147483649],
            qr/0 \.\. 2147483648/
        ],
        [
            'text for a list',
            'list_images',
            ['nas', @scfg, undef, 'nas:a'],
            qr/'vollist' must be an array reference, got 'nas:a'/
        ],
        [
            'a hash for a list', 'list_images', ['nas', @scfg, undef, {}],
            qr/got a reference to HASH/
        ],
        [
            'text for a section', 'status', ['nas', 'x'],
            qr/'scfg' must be a hash reference, got 'x'/
        ],
        ['a list for a section', 'status', ['nas', []], qr/got a reference to ARRAY/],
        ['an object for a section', 'status', ['nas', bless({}, 'Thing')], qr/an object of Thing/],
        ['an undefined section', 'status', ['nas', undef], qr/'scfg' is undef/],
        ['a cycle in a section', 'status', ['nas', $CYCLE], qr/nested deeper than 10 levels/],
        [
            'a section that is too deep',
            'status',
            ['nas', { a => $DEEP }],
            qr/nested deeper than 10 levels/
        ],
        [
            'code in a section',
            'status',
            ['nas', { a => sub { } }],
            qr/text belongs where a reference to CODE was given/
        ],
        ['a reference in a section', 'status', ['nas', { a => \'x' }], qr/a reference to SCALAR/],
        [
            'an object in a section',
            'status',
            ['nas', { a => bless({}, 'Thing') }],
            qr/an object of Thing/
        ],
        [
            'a list for text',
            'status',
            [['nas'], @scfg],
            qr/text belongs where a reference to ARRAY was given/
        ],
        ['an object for text', 'status', [bless([], 'Thing'), @scfg], qr/an object of Thing/],
        ['an undefined storage', 'status', [undef, @scfg], qr/'storeid' is undef/],
        (
            map {
                [
                    "a newline at the end of a volume name of $_->[0]",
                    $_->@*,
                    qr/volname' must not end in a newline, got 'vm-1\?+'/
                ]
            } ['free_image', ['nas', @scfg, "vm-1\n"]],
            ['free_image', ['nas', @scfg, "vm-1\n\n"]],
            ['parse_volname', ["vm-1\n"]],
            ['path', [@scfg, "vm-1\n", 'nas']],
            ['rename_volume', [@scfg, 'nas', "vm-1\n", 100, 'vm-1']]
        ),
        (
            map {
                [
                    "the guest $_", 'alloc_image',
                    ['nas', @scfg, $_, 'raw', undef, 1],
                    qr/0 \.\. 999999999, got '$_': value does not look like a valid VM ID\z/
                ]
            } 1000000000,
            '1000000000',
            9999999999
        ),
        [
            'a list for hints',
            'activate_volume',
            ['nas', @scfg, 'v', undef, undef, []],
            qr/'hints' must be a hash reference/
        ],
        [
            'a hint that is text',
            'activate_volume',
            ['nas', @scfg, 'v', undef, undef, { a => 'x' }],
            qr/got 'x'/
        ],
        [
            'a hint that is negative',
            'activate_volume',
            ['nas', @scfg, 'v', undef, undef, { a => -1 }],
            qr/got '-1'/
        ],
    );
    for my $row (@table) {
        my ($what, $method, $args, $pattern) = $row->@*;
        refused(sub { to_wire($method, 15, $args->@*) },
            'BAD_PARAMETER', 'NOT_STARTED', $pattern, $what);
    }
};

subtest 'text that is not UTF-8 is refused before it is sent' => sub {
    my @table = (
        ['a name', 'status', ["caf\xe9", @scfg]],
        ['a leaf of the section', 'status', ['nas', { path => "/caf\xe9" }]],
        ['a key of the section', 'status', ['nas', { "caf\xe9" => 1 }]],
        ['a surrogate as octets', 'status', ["\xed\xa0\x80", @scfg]],
        [
            'a surrogate as a character',
            'status', [do { no warnings 'surrogate'; chr(0xd800) }, @scfg]
        ],
        [
            'a character beyond Unicode',
            'status', [do { no warnings 'non_unicode'; chr(0x110000) }, @scfg]
        ],
        ['a name in a list', 'list_images', ['nas', @scfg, undef, ["nas:\xff"]]],
        [
            'a key of the hints',
            'activate_volume', ['nas', @scfg, 'v', undef, undef, { "\xe4" => 1 }]
        ],
    );
    for my $row (@table) {
        my ($what, $method, $args) = $row->@*;
        refused(sub { to_wire($method, 15, $args->@*) },
            'BAD_TEXT', 'NOT_STARTED', qr/\?' is not valid UTF-8/, $what);
    }
};

subtest 'arguments at the end may be missing, and are missing on the wire' => sub {
    is_deeply(
        [sort keys to_wire('list_images', 15, 'nas', @scfg)->%*],
        ['scfg', 'storeid'],
        'three of list_images'
    );
    is_deeply(
        to_wire('list_images', 15, 'nas', {}, undef),
        { storeid => 'nas', scfg => {}, vmid => undef },
        'undef is nil, which is not missing'
    );
    is_deeply(to_wire('api', 15), {}, 'no arguments at all');
};

subtest 'what is given is never changed' => sub {
    my $scfg = { type => 'dir', n => 5, content => { images => 1 } };
    my @args = ('nas', $scfg, 100, ["nas:a"]);
    my $before = packed(\@args);
    to_wire('list_images', 15, @args);
    is(packed(\@args), $before, 'arguments');
    my $list = [{ volid => 'a', size => '5' }];
    $before = packed($list);
    result_to_wire('list_images', $list);
    is(packed($list), $before, 'results');
};

subtest 'every method at every level gets exactly the arguments of the level' => sub {
    my %sample = (
        bool => $TRUE,
        cache => 'id',
        contenttype => 'images',
        format => 'raw',
        hints => { a => 1 },
        kib => 1,
        path => '/a',
        section => {},
        callback => 1,
        chars => 'text',
        uint => 7,
        tree => { a => '1' },
        counts => { 'keep-last' => 1 },
        json => { a => 1 },
        seconds => 1,
        secrets => { password => 'x' },
        snapname => 's',
        snapshots => $TRUE,
        storeid => 'nas',
        str => 't',
        vmid => 100,
        volid => 'nas:a',
        volname => 'a',
    );
    is($api->oldest . '..' . $api->newest, '9..16', 'the levels');
    for my $name ($api->method_names) {
        my $method = $api->method($name);
        next if grep { $_->{kind} eq 'stream' } $method->{params}->@*;
        next if grep { m/%/ } map { $_->@* } values $method->{positions}->%*;
        my %all = map {
            my $value = $sample{ $_->{kind} };
            $_->{name} => $_->{list} ? [$value] : $value;
        } $method->{params}->@*;
        my %least =
            map { $_->{name} => $all{ $_->{name} } } grep { !$_->{nullable} } $method->{params}->@*;
        for my $level ($api->oldest .. $api->newest) {
            my ($since) = sort { $b <=> $a } grep { $_ <= $level } keys $method->{positions}->%*;
            my @names = $method->{positions}->{$since}->@*;
            my @full = from_wire($name, $level, \%all)->@*;
            is(scalar(@full), scalar(@names), "$name at $level: all are given");
            is(scalar(grep { defined } @full), scalar(@names), "$name at $level: none is lost");
            my $short = from_wire($name, $level, \%least);
            is(scalar($short->@*), scalar(@names),
                "$name at $level: those that are nil are given as undef");
            is(
                join(',', sort map { $names[$_] } grep { defined($short->[$_]) } 0 .. $#names),
                join(',', sort keys %least),
                "$name at $level: and stand where they belong"
            );
            my $again = to_wire($name, $level, @full);
            is(
                join(',', sort keys $again->%*),
                join(',', sort @names),
                "$name at $level: and back to their names"
            );
        }
    }
};

subtest 'secrets are the last arguments of a hook, one by one' => sub {
    my $wire = to_wire('on_add_hook', 15, 'nas', { path => '/a' }, password => 'p', key => undef);
    is_deeply($wire->{sensitive}, { password => 'p', key => undef }, 'with what is to be deleted');
    my ($storeid, $scfg, %sensitive) = from_wire('on_add_hook', 15, $wire)->@*;
    is_deeply(\%sensitive, { password => 'p', key => undef }, 'and back');
    is_deeply(to_wire('on_add_hook', 15, 'nas', {})->{sensitive}, {}, 'none are an empty map');
    my $full = to_wire('on_update_hook_full', 15, 'nas', {}, {}, undef, { password => 'p' });
    is_deeply($full->{sensitive}, { password => 'p' }, 'one hash since level 13');
};

subtest 'what a plugin changes in place comes back' => sub {
    my $method = $api->method('on_add_hook');
    my $wire = { storeid => 'nas', scfg => { path => '/a', old => '1' }, sensitive => {} };
    my $before = Tenon::Schema::before($method, $wire);
    my $args = from_wire('on_add_hook', 15, $wire);
    my @call = ($api, $method, 15, $before, $args);
    is_deeply(Tenon::Schema::changed_to_wire(@call), {}, 'nothing if nothing is');
    $args->[1]->{mountpoint} = '/mnt';
    delete $args->[1]->{old};
    my $changed = Tenon::Schema::changed_to_wire(@call);
    is_deeply($changed, { scfg => { path => '/a', mountpoint => '/mnt' } }, 'the whole section');
    my $mine = { path => '/a', old => 1, content => { images => 1 } };
    $changed->{scfg}->{content} = { images => '1' };
    my $content = $mine->{content};
    Tenon::Schema::apply_changed($api, $method, 15, ['nas', $mine], $changed);
    is_deeply(
        $mine,
        { path => '/a', mountpoint => '/mnt', content => { images => 1 } },
        'the caller\'s own hash has it'
    );
    is($mine->{content}, $content, 'and what is the same stays the same');
    my $blockers = [];
    Tenon::Schema::apply_changed(
        $api, $api->method('volume_rollback_is_possible'),
        15,
        [{}, 'nas', 'v', 's', $blockers],
        { blockers => ['later'] });
    is_deeply($blockers, ['later'], 'the caller\'s own array, too');
};

subtest 'numbers and booleans of block devices keep their types' => sub {
    my $wire = result_to_wire(
        'qemu_blockdev_options',
        {
            driver => 'nbd',
            port => 10809,
            name => '7',
            'read-only' => JSON::PP::true(),
            deep => [1]
        },
    );
    is(
        packed($wire),
        packed({ driver => 'nbd', port => 10809, name => '7', 'read-only' => $TRUE, deep => [1] }),
        'to the wire'
    );
    my $back = Tenon::Schema::result_from_wire($api->method('qemu_blockdev_options'), $wire, 0);
    is(
        JSON::PP->new->canonical->encode($back),
        '{"deep":[1],"driver":"nbd","name":"7","port":10809,"read-only":true}',
        'and from it'
    );
};

subtest 'a backup provider stays in its process, and must be an object' => sub {
    require Tenon::Backup::Hosted;
    my $method = $api->method('new_backup_provider');
    is(Tenon::Schema::result_to_wire($method, [bless({}, 'PVE::Some')], 'nas'), 'provider', 'one');
    eval { Tenon::Schema::result_to_wire($method, [{}], 'nas') };
    is($@, "the storage 'nas' gave no backup provider\n", 'none');
};

subtest 'a level that has no place for a parameter does not get it' => sub {
    my $params = { storeid => 'nas', scfg => {}, volname => 'v', hints => { a => 1 } };
    is(scalar(from_wire('activate_volume', 12, $params)->@*), 5, 'five arguments at level 12');
    is_deeply(from_wire('activate_volume', 13, $params)->[5], { a => 1 }, 'six at level 13');
    refused(
        sub { to_wire('activate_volume', 12, 'nas', {}, 'v', undef, undef, {}) },
        'BAD_PARAMETER',
        'NOT_STARTED',
        qr/at most 5 parameters at API level 12, got 6/,
        'a sixth from a host of level 12'
    );
};

subtest 'parameters from the wire' => sub {
    my %status = (storeid => 'nas', scfg => { path => '/a' });
    is_deeply(
        from_wire('get_subdir', 15, { scfg => { a => ['x', undef] }, vtype => 'images' }),
        [{ a => ['x', undef] }, 'images'],
        'a section and text'
    );
    is_deeply(from_wire('free_image', 15, { %status, volname => 'v', isBase => $TRUE })->[3],
        1, 'true is 1');
    is_deeply(from_wire('free_image', 15, { %status, volname => 'v', isBase => $FALSE })->[3],
        0, 'false is 0');
    is(from_wire('free_image', 15, { %status, volname => "caf\xc3\xa9" })->[2],
        "caf\xc3\xa9", 'text is octets');
    is(ref(from_wire('status', 15, { %status, cache => 'x-1' })->[2]), 'HASH', 'a cache is a hash');
    is(from_wire('status', 15, \%status)->[2], undef, 'no cache is undef');
    is_deeply(from_wire('list_images', 15, { %status, vollist => ['nas:a'] })->[3],
        ['nas:a'], 'a list');

    my @table = (
        ['an unknown parameter', 'status', { %status, other => 1 }, qr/'other' is unknown/],
        ['a missing one', 'status', { scfg => {} }, qr/'storeid' \(storeid\) is missing/],
        [
            'one that is nil',
            'status',
            { %status, storeid => undef },
            qr/'storeid' \(storeid\) is missing/
        ],
        [
            'a list for text',
            'status',
            { %status, storeid => [] },
            qr/must be text, got a reference to ARRAY/
        ],
        [
            'a boolean for text',
            'status',
            { %status, storeid => $TRUE },
            qr/must be text, got an object of/
        ],
        [
            'text for a section',
            'status',
            { %status, scfg => 'x' },
            qr/'scfg' must be a map, got 'x'/
        ],
        ['a list for a section', 'status', { %status, scfg => [] }, qr/must be a map/],
        ['a map for a cache', 'status', { %status, cache => {} }, qr/'cache' must be text/],
        [
            'text for a boolean',
            'free_image',
            { %status, volname => 'v', isBase => '1' },
            qr/must be a boolean, got '1'/
        ],
        [
            'an integer for a boolean',
            'free_image',
            { %status, volname => 'v', isBase => 1 },
            qr/must be a boolean/
        ],
        [
            'text for an integer',
            'list_images',
            { %status, vmid => 'x' },
            qr/must be an integer, got 'x'/
        ],
        [
            'a fraction for an integer',
            'list_images',
            { %status, vmid => 1.5 },
            qr/must be an integer, got '1\.5'/
        ],
        [
            'a negative integer',
            'list_images',
            { %status, vmid => -1 },
            qr/must be an integer, got '-1'/
        ],
        [
            'text for a list',
            'list_images',
            { %status, vollist => 'x' },
            qr/'vollist' must be a list, got 'x'/
        ],
        ['a map for a list', 'list_images', { %status, vollist => {} }, qr/must be a list/],
        ['a list in a list', 'list_images', { %status, vollist => [[]] }, qr/must be text/],
        [
            'text for hints',
            'activate_volume',
            { %status, volname => 'v', hints => 'x' },
            qr/'hints' must be a map/
        ],
    );

    for my $row (@table) {
        my ($what, $method, $params, $pattern) = $row->@*;
        refused(sub { from_wire($method, 15, $params) },
            'BAD_PARAMETER', 'NOT_STARTED', $pattern, $what);
    }
    refused(
        sub { from_wire('status', 15, { %status, storeid => "\xe4" }) },
        'BAD_TEXT', 'NOT_STARTED',
        qr/'\?' is not valid UTF-8/,
        'text that is not UTF-8'
    );
    is(error_of(sub { from_wire('status', 15, { %status, other => undef }) }),
        undef, 'an unknown parameter that is nil is ignored, since a newer side may name it');
    refused(
        sub { $api->method("sta\ntus") },
        'UNKNOWN_METHOD', 'NOT_STARTED',
        qr/'sta\?tus' is in no API level from 9 to 16/,
        'an unknown method'
    );
};

subtest 'what a plugin returns for one value' => sub {
    my @table = (
        ['alloc_image', ['vm-1'], 'vm-1', 'text'],
        ['alloc_image', ["vm-1\n"], 'vm-1', 'a newline at the end of a volume name is dropped'],
        ['alloc_image', ['a', 'b'], 'a', 'the first of a list'],
        ['alloc_image', [7], '7', 'a number becomes text'],
        ['find_free_diskname', ["d\n"], "d\n", 'a newline of other text stays'],
        ['api', ['13'], 13, 'text becomes a number'],
        ['api', [printed(13)], 13, 'a number that was printed is one'],
        ['api', [13.9], 13, 'a fraction is cut'],
        [
            'plugindata',
            [{ content => [{ images => 1 }, { images => 1 }] }],
            { content => [{ images => '1' }, { images => '1' }] },
            'a tree'
        ],
        [
            'options',
            [{ path => { fixed => JSON::PP::true() } }],
            { path => { fixed => '1' } },
            'booleans in a tree'
        ],
        ['properties', [{}], {}, 'an empty tree'],
        ['free_image', [], undef, 'nothing'],
        ['free_image', ['whatever', 1], undef, 'what nobody asked for is dropped'],
        ['activate_volume', [sub { }], undef, 'code that nobody asked for too'],
    );
    for my $row (@table) {
        my ($method, $values, $wire, $what) = $row->@*;
        is(packed(result_to_wire($method, $values->@*)), packed($wire), "$method: $what");
    }
    my @refused = ([
            'nothing for a volume name', 'alloc_image',
            [], 'BAD_RESULT',
            qr/alloc_image: the result must not be undef/
        ],
        ['undef for a tree', 'options', [undef], 'BAD_RESULT', qr/must not be undef/],
        ['a list for text', 'alloc_image', [['a']], 'BAD_RESULT', qr/a reference to ARRAY/],
        ['code in a tree', 'properties', [{ a => sub { } }], 'BAD_RESULT', qr/a reference to CODE/],
        ['a cycle in a tree', 'properties', [$CYCLE], 'BAD_RESULT', qr/deeper than 10 levels/],
        ['text for a number', 'api', ['x'], 'BAD_RESULT', qr/got 'x'/],
        ['a negative number', 'api', [-1], 'BAD_RESULT', qr/got '-1'/],
        [
            'no UTF-8', 'alloc_image', ["\xe4"], 'BAD_TEXT',
            qr/alloc_image: the result: the text '\?' is not valid UTF-8/
        ],
    );
    for my $row (@refused) {
        my ($what, $method, $values, $name, $pattern) = $row->@*;
        refused(sub { result_to_wire($method, $values->@*) }, $name, 'UNKNOWN', $pattern, $what);
    }
};

subtest 'tuples of every length' => sub {
    my @fields = qw(vtype name vmid basename basevmid isBase format);
    my @values = ('images', 'n', '100', 'b', '101', 1, 'qcow2');
    my @wire = ('images', 'n', 100, 'b', 101, $TRUE, 'qcow2');
    my @absent = (undef, undef, undef, undef, undef, $FALSE, 'raw');
    for my $length (2 .. 8) {
        my @tuple = (@values, 'surplus')[0 .. $length - 1];
        my %wire = map { $fields[$_] => $_ < $length ? $wire[$_] : $absent[$_] } 0 .. $#fields;
        is(packed(result_to_wire('parse_volname', @tuple)),
            packed(\%wire), "$length elements of parse_volname");
    }
    refused(
        sub { result_to_wire('parse_volname', 'images') },
        'BAD_RESULT', 'UNKNOWN',
        qr/parse_volname: 'name' of the result must not be undef/,
        'one element of parse_volname'
    );
    refused(
        sub { result_to_wire('parse_volname') },
        'BAD_RESULT', 'UNKNOWN',
        qr/'vtype' of the result must not be undef/,
        'no element of parse_volname'
    );

    my @table = ([
            'status', [],
            { total => undef, avail => undef, used => undef, active => undef },
            'nothing, as of a storage that is down'
        ],
        [
            'status',
            [undef, undef, undef, undef],
            { total => undef, avail => undef, used => undef, active => undef }, 'undef'
        ],
        ['status', [0, 0, 0, 0], { total => 0, avail => 0, used => 0, active => $FALSE }, 'zeros'],
        [
            'status',
            ['10', 5.7, 4e12, 1],
            { total => 10, avail => 5, used => 4000000000000, active => $TRUE },
            'text, a fraction, a float'
        ],
        [
            'status', [1, 1, 0, ''],
            { total => 1, avail => 1, used => 0, active => $FALSE }, 'inactive'
        ],
        [
            'volume_size_info', [10],
            { size => 10, format => 'raw', used => undef, parent => undef, ctime => undef },
            'a size alone'
        ],
        [
            'volume_size_info', [],
            { size => undef, format => 'raw', used => undef, parent => undef, ctime => undef },
            'nothing'
        ],
        [
            'volume_size_info',
            [10, 'qcow2', 5, '', 1],
            { size => 10, format => 'qcow2', used => 5, parent => '', ctime => 1 },
            'an empty parent, which is not undef'
        ],
        ['path', ['/a', 100, 'images'], { path => '/a', owner => 100, vtype => 'images' }, 'all'],
        ['path', ['/a'], { path => '/a', owner => undef, vtype => undef }, 'a path alone'],
        [
            'filesystem_path', ["/a\n"],
            { path => "/a\n", owner => undef, vtype => undef }, 'a newline stays'
        ],
    );
    for my $row (@table) {
        my ($method, $values, $wire, $what) = $row->@*;
        is(packed(result_to_wire($method, $values->@*)), packed($wire), "$method: $what");
    }
    for my $odd (-1, '12.0K', '', [], sub { 1 }) {
        my ($status, $size);
        warnings_of(sub { $status = result_to_wire('status', $odd, 2, 3, 1) });
        is($status->{total}, undef, 'a total that is none');
        is($status->{used}, 3, 'and the rest');
        my @answer = (5, 'raw', $odd, undef, $odd);
        warnings_of(sub { $size = result_to_wire('volume_size_info', @answer) });
        is(
            packed($size),
            packed({ size => 5, format => 'raw', used => undef, parent => undef, ctime => undef }),
            'sizes and times that are none'
        );
    }
    refused(
        sub { result_to_wire('path') },
        'BAD_RESULT', 'UNKNOWN', qr/'path' of the result must not be undef/,
        'no path'
    );
    refused(
        sub { result_to_wire('path', "/\xe4") },
        'BAD_TEXT', 'UNKNOWN',
        qr/path: 'path' of the result: the text/,
        'a path that is not UTF-8'
    );
};

subtest 'listings' => sub {
    my %absent = (format => 'raw');
    my %empty = map { $_ => undef } qw(size vmid used parent ctime);
    my @table = (
        ['nothing', [], []],
        ['undef', [undef], []],
        ['an empty list', [[]], []],
        ['a name alone', [[{ volid => 'nas:a' }]], [{ %absent, volid => 'nas:a' }]],
        ['a name without its storage', [[{ volid => 'a' }]], [{ %absent, volid => 'nas:a' }]],
        [
            'a name of another storage',
            [[{ volid => 'nas2:a' }]],
            [{ %absent, volid => 'nas:nas2:a' }]
        ],
        [
            'numbers in all forms',
            [[{ volid => 'a', size => '5', used => 1e12, vmid => printed(100), ctime => 1.5 }]],
            [{
                    %absent,
                    volid => 'nas:a',
                    size => 5,
                    used => 1000000000000,
                    vmid => 100,
                    ctime => 1
                }]
        ],
        [
            'undef in all fields',
            [[{ volid => 'a', format => undef, %empty }]],
            [{ %absent, %empty, volid => 'nas:a' }]
        ],
        [
            'foreign keys',
            [[{ volid => 'a', protected => 1, notes => "caf\xc3\xa9", "\x{263a}" => 'x' }]],
            [{
                    %absent,
                    volid => 'nas:a',
                    protected => '1',
                    notes => "caf\xc3\x83\xc2\xa9",
                    "\xe2\x98\xba" => 'x'
                }]
        ],
        [
            'foreign keys that are trees, and some that are not',
            [[{ volid => 'a', a => undef, b => [7], c => {}, d => sub { }, e => [sub { }] }]],
            [{ %absent, volid => 'nas:a', a => undef, b => ['7'], c => {} }]
        ],
        [
            'a blessed list of blessed hashes',
            [bless([bless({ volid => 'a' }, 'V')], 'L')],
            [{ %absent, volid => 'nas:a' }]
        ],
    );
    for my $row (@table) {
        my ($what, $values, $wire) = $row->@*;
        my $got;
        my @warnings = warnings_of(sub { $got = result_to_wire('list_images', $values->@*) });
        is(packed($got), packed($wire), $what);
        my @lost = $what =~ m/and some that are not/ ? qw(d e) : ();
        is_deeply([sort map { m/'(\w)' of 'a' is left out/ } @warnings],
            \@lost, "$what: what is told");
    }
    my @refused = ([
            'a hash for a list',
            [{}], qr/list_images: the result must be an array reference, got a reference to HASH/
        ],
        ['text for a list', ['x'], qr/array reference, got 'x'/],
    );
    for my $row (@refused) {
        my ($what, $values, $pattern) = $row->@*;
        refused(sub { result_to_wire('list_images', $values->@*) },
            'BAD_RESULT', 'UNKNOWN', $pattern, $what);
    }
};

subtest 'one odd entry does not hide the others' => sub {
    my %odd = (
        'text for an entry' => 'x',
        'a list for an entry' => [],
        'undef for an entry' => undef,
        'an entry without a name' => { size => 1 },
        'a name that is undef' => { volid => undef },
        'a list for a name' => { volid => ['a'] },
        'a name that is no UTF-8' => { volid => "caf\xe9" },
        'a surrogate, which Perl would take' => { volid => "\xed\xa0\x80" },
    );
    for my $method (qw(list_images list_volumes)) {
        my %usual = $method eq 'list_volumes' ? (content => 'images') : ();
        for my $what (sort keys %odd) {
            my $entry = ref($odd{$what}) eq 'HASH' ? { %usual, $odd{$what}->%* } : $odd{$what};
            my $wire;
            my @warnings = warnings_of(
                sub {
                    $wire = result_to_wire($method,
                        [{ %usual, volid => 'a' }, $entry, { %usual, volid => 'c' }]);
                });
            is(join(',', map { $_->{volid} } $wire->@*), 'nas:a,nas:c', "$what: others are listed");
            is(scalar(@warnings), 1, "$what: one warning");
            like($warnings[0], qr/\Aleft out of $method: [ -~]+\n\z/,
                "$what: it names the listing");
        }
    }
};

subtest 'an odd value goes, and its entry stays' => sub {
    my @numbers = ('', '-1', -1, '12.0K', 'x', "1\0", '1e30', 'NaN', [], {}, sub { 1 }, \1);
    my @texts = ("\xff", [], sub { 1 }, \'x');
    my %odd = (
        (map { $_ => \@numbers } qw(size used ctime)),
        (map { $_ => \@texts } qw(parent)),
        vmid => [@numbers, "\xff"],
        format => ['', "\xff", [], {}, sub { 1 }],
        further => ["\x{d800}", sub { 1 }, [sub { 1 }], $CYCLE],
        "\xff" => ['x'],
    );
    my %in_volumes = (subtype => \@texts, notes => [[], sub { 1 }, "\x{d800}"]);
    for my $method (qw(list_images list_volumes)) {
        my %cases = $method eq 'list_volumes' ? (%odd, %in_volumes) : %odd;
        my %usual = $method eq 'list_volumes' ? (content => 'images') : ();
        for my $field (sort keys %cases) {
            my $shown = $field =~ s/[^ -~]/?/gr;
            my @entries = map {
                { %usual, volid => "v$_", $field => $cases{$field}->[$_] }
            } 0 .. $cases{$field}->$#*;
            my $wire;
            my @warnings = warnings_of(sub { $wire = result_to_wire($method, \@entries) });
            is(scalar($wire->@*), scalar(@entries), "$method: '$shown': all entries stay");
            is(
                join(',', map { defined($_->{$field}) ? $_->{$field} : () } $wire->@*),
                $field eq 'format' ? join(',', ('raw') x @entries) : '',
                "$method: '$shown': no value"
            );
            cmp_ok(scalar(@warnings), '<=', 1, "$method: '$shown': told once at most");
            like($_, qr/\A$method: '\Q$shown\E' of 'v\d+' is left out: [ -~]+; others/)
                for @warnings;
        }
    }
};

subtest 'text that people write is characters in Perl, and all other text is octets' => sub {
    my %text = (
        'ASCII' => 'plain',
        'nothing' => '',
        'Latin 1' => "caf\xe9",
        'Latin 1 in the other form' => upgraded("caf\xe9"),
        'two bytes' => "gr\x{fc}n \x{20ac}",
        'octets that look like UTF-8' => "gr\xc3\xbcn",
        'the same in the other form' => upgraded("gr\xc3\xbcn"),
        'beyond 16 bits' => "\x{1f600}",
        'many lines' => "a\nb\r\n\t\xe4",
        'every character below 256' => join('', map { chr } 1 .. 255),
        'more than a kilobyte' => "\xe4" x 2000,
    );
    my $crossed = sub ($wire) {
        return Tenon::Frame::decode(
            substr(Tenon::Frame::encode([Tenon::Frame::NOTIFY, '', { value => $wire }]), 4))->[2]
            ->{value};
    };
    my %scfg = (type => 'dir');
    my @params = (
        ['update_volume_attribute', [{%scfg}, 'nas', 'v', 'notes'], sub ($args) { $args->[4] }],
        ['update_volume_notes', [{%scfg}, 'nas', 'v'], sub ($args) { $args->[3] }],
        ['on_add_hook', ['nas', {%scfg}, 'password'], sub ($args) { $args->[3] }],
    );
    for my $what (sort keys %text) {
        my $text = $text{$what};
        (my $octets = $text);
        utf8::encode($octets);
        for my $row (@params) {
            my ($method, $before, $given) = $row->@*;
            my $wire = to_wire($method, 15, $before->@*, $text);
            my ($sent) = grep { defined }
                ($wire->{value}, $wire->{notes}, ($wire->{sensitive} // {})->{password});
            is($sent, $octets, "$what: $method sends UTF-8");
            is($given->(from_wire($method, 15, $crossed->($wire))),
                $text, "$what: $method gets the characters");
        }
        for my $method (qw(get_volume_attribute get_volume_notes)) {
            my $wire = result_to_wire($method, $text);
            is($wire, $octets, "$what: $method answers in UTF-8");
            is(Tenon::Schema::result_from_wire($api->method($method), $crossed->($wire), 0),
                $text, "$what: $method gives the characters");
        }
        my $list = result_to_wire('list_volumes',
            [{ volid => 'v', content => 'iso', notes => $text, further => { a => [$text] } }]);
        my $got =
            Tenon::Schema::result_from_wire($api->method('list_volumes'), $crossed->($list), 0)
            ->[0];
        is($got->{notes}, $text, "$what: notes in a listing");
        is($got->{further}->{a}->[0], $text, "$what: a further field of a listing");
    }

    # Octets stay octets, and their other form is what a system call would get of it.
    for my $octets ('plain', "gr\xc3\xbcn", "\xf0\x9f\x98\x80") {
        my $wire = to_wire('path', 15, { path => "/$octets" }, $octets, 'nas');
        my $args = from_wire('path', 15, $crossed->($wire));
        is($args->[1], $octets, 'a name');
        is($args->[0]->{path}, "/$octets", 'a leaf of the section');
    }
    my $wire = to_wire('status', 15, 'nas', { comment => "caf\xe9", note => "gr\x{fc}n \x{20ac}" });
    is($wire->{scfg}->{comment}, "caf\xc3\xa9", 'no UTF-8 in a section: characters');
    is($wire->{scfg}->{note}, "gr\xc3\xbcn \xe2\x82\xac", 'characters in a section');
    refused(
        sub { to_wire('status', 15, 'nas', { path => "/caf\xe9" }) },
        'BAD_TEXT', 'NOT_STARTED',
        qr/not valid UTF-8/,
        'a path that is no UTF-8'
    );
};

subtest 'a key that is undef stays, and one that is missing is missing' => sub {
    my @fields = qw(size vmid used parent ctime further);
    for my $bits (0 .. 2**@fields - 1) {
        my @undef = map { $fields[$_] } grep { $bits & (1 << $_) } 0 .. $#fields;
        my $entry = { volid => 'nas:a', format => 'raw', map { $_ => undef } @undef };
        my $wire = result_to_wire('list_images', [$entry]);
        is_deeply($wire, [$entry], "to the wire: [@undef]");
        is_deeply(Tenon::Schema::result_from_wire($api->method('list_images'), $wire, 0),
            [$entry], "from the wire: [@undef]");
    }
    for my $bits (0 .. 15) {
        my @status = map { $bits & (1 << $_) ? 1 : undef } 0 .. 3;
        my $wire = result_to_wire('status', @status);
        my @got = Tenon::Schema::result_from_wire($api->method('status'), $wire, 1);
        is_deeply(\@got, \@status, "status $bits");
    }
};

subtest 'results from the wire' => sub {
    my $from = sub ($name, $wire, $want) {
        my @values = Tenon::Schema::result_from_wire($api->method($name), $wire, $want);
        return \@values;
    };
    my %size = (size => 10, format => 'raw', used => undef, parent => undef, ctime => 5);
    my @table = (
        ['volume_snapshot', undef, 1, [], 'nothing in a list'],
        ['volume_snapshot', undef, 0, [undef], 'nothing in a scalar'],
        ['alloc_image', 'a', 1, ['a'], 'one value in a list'],
        ['alloc_image', 'a', 0, ['a'], 'one value in a scalar'],
        ['alloc_image', "caf\xc3\xa9", 0, ["caf\xc3\xa9"], 'text as octets'],
        ['volume_size_info', {%size}, 1, [10, 'raw', undef, undef, 5], 'a tuple in a list'],
        ['volume_size_info', {%size}, 0, [10], 'a tuple in a scalar: the size'],
        [
            'volume_size_info',
            { %size, later => 'x' },
            1,
            [10, 'raw', undef, undef, 5],
            'a field that a newer side added'
        ],
        [
            'parse_volname',
            { vtype => 'images', name => 'n', isBase => $TRUE, format => 'raw' },
            1,
            ['images', 'n', undef, undef, undef, 'base-', 'raw'],
            'missing fields that may be nil'
        ],
        [
            'parse_volname', { vtype => 'images', name => 'n', isBase => $TRUE, format => 'raw' },
            0, ['raw'], 'the format in a scalar'
        ],
        [
            'status', { total => 3, avail => 2, used => 1, active => $TRUE },
            1,
            [3, 2, 1, 1],
            'status in a list'
        ],
        [
            'status', { total => 3, avail => 2, used => 1, active => $FALSE },
            0, [0], 'status in a scalar: whether active'
        ],
        [
            'plugindata', { content => [{ images => '1' }] },
            0, [{ content => [{ images => '1' }] }],
            'a tree'
        ],
        ['list_images', [], 0, [[]], 'an empty listing'],
        [
            'list_images',
            [{ volid => 'nas:a', format => 'raw', size => 5, used => undef, notes => 'x' }],
            0,
            [[{ volid => 'nas:a', format => 'raw', size => 5, used => undef, notes => 'x' }]],
            'nil is undef in a record'
        ],
    );
    for my $row (@table) {
        my ($method, $wire, $want, $values, $what) = $row->@*;
        is_deeply($from->($method, $wire, $want), $values, "$method: $what");
    }
    my @refused = (
        ['alloc_image', undef, 'BAD_RESULT', qr/must not be nil/, 'nil for a name'],
        ['alloc_image', [], 'BAD_RESULT', qr/must be text/, 'a list for a name'],
        ['alloc_image', "\xe4", 'BAD_TEXT', qr/not valid UTF-8/, 'a name that is not UTF-8'],
        ['api', 'x', 'BAD_RESULT', qr/must be an integer, got 'x'/, 'text for a number'],
        [
            'status', [], 'BAD_RESULT',
            qr/a map belongs where a reference to ARRAY came/,
            'a list for a tuple'
        ],
        ['status', undef, 'BAD_RESULT', qr/a map belongs where undef came/, 'nil for a tuple'],
        [
            'status', { total => 1, avail => 1, used => 1, active => 1 },
            'BAD_RESULT',
            qr/must be a boolean/,
            'an integer for a boolean'
        ],
        [
            'volume_size_info',
            { size => 1 },
            'BAD_RESULT',
            qr/'format' must not be nil/,
            'a missing field'
        ],
        ['list_images', {}, 'BAD_RESULT', qr/a list belongs/, 'a map for a listing'],
        ['list_images', ['x'], 'BAD_RESULT', qr/a map belongs where 'x' came/, 'text for a record'],
        ['list_images', [{ volid => [] }], 'BAD_RESULT', qr/must be text/, 'a list for a field'],
        [
            'list_images',
            [{ format => 'raw' }],
            'BAD_RESULT',
            qr/'volid' must not be nil/,
            'a record without a name'
        ],
    );
    for my $row (@refused) {
        my ($method, $wire, $name, $pattern, $what) = $row->@*;
        refused(sub { $from->($method, $wire, 1) }, $name, 'UNKNOWN', $pattern, "$method: $what");
    }
};

subtest 'what goes to the wire comes back' => sub {
    my @args = ('nas', { path => '/a', content => { images => '1' } }, 100, 'raw', 'name', 4096);
    is_deeply(from_wire('alloc_image', 15, to_wire('alloc_image', 15, @args)), \@args, 'arguments');
    my @tuple = ('images', 'n', 100, undef, undef, 'base-', 'raw');
    my $wire = Tenon::Frame::decode(
        substr(Tenon::Frame::encode([3, 1, result_to_wire('parse_volname', @tuple)]), 4))->[2];
    is_deeply([Tenon::Schema::result_from_wire($api->method('parse_volname'), $wire, 1)],
        \@tuple, 'a tuple, over the wire');
    my $list = [{ volid => "nas:\xc3\xa4", format => 'raw', size => 2**40, "k\xc3\xa4" => 'v' }];
    $wire = Tenon::Frame::decode(
        substr(Tenon::Frame::encode([3, 1, result_to_wire('list_images', $list)]), 4))->[2];
    is_deeply(Tenon::Schema::result_from_wire($api->method('list_images'), $wire, 0),
        $list, 'a listing, over the wire');
};

subtest 'the tree of a structured exception' => sub {
    is_deeply(
        Tenon::Schema::tree({ msg => "m\n", code => 400, errors => undef }),
        { msg => "m\n", code => '400', errors => undef },
        'numbers become text'
    );
    is(packed(Tenon::Schema::tree([1, JSON::PP::true()])), packed(['1', '1']), 'booleans too');
};

subtest 'the caches of operations' => sub {
    my $id = sub ($cache) { return to_wire('status', 15, 'nas', {}, $cache)->{cache} };
    my ($one, $two) = ({}, {});
    is($id->($one), $id->($one), 'one hash has one id');
    isnt($id->($one), $id->($two), 'another has another');
    like($id->($one), qr/\A\d+-\d+-\d+\z/, 'an id is of three numbers');
    is(scalar(grep { ref } values $one->%*), 0, 'nothing but the id is noted in the hash');
    is($id->(undef), undef, 'no hash has none');
    is($id->('x'), undef, 'nor has text');
    is($id->([]), undef, 'nor a list');
    is($id->(bless({}, 'Cache')), $id->({}) =~ s/(\d+)\z/$1 - 1/er, 'a blessed hash has one');

    my $cache = sub ($name) {
        return from_wire('status', 15, { storeid => 'nas', scfg => {}, cache => $name })->[2];
    };
    my $kept = $cache->('test-1');
    $kept->{expensive} = 'found';
    is($cache->('test-1'), $kept, 'one id has one hash');
    isnt($cache->('test-2'), $kept, 'another has another');
    is($id->($kept), 'test-1', 'the hash of an id goes out under this id again');
    $cache->("test-3-$_") for 1 .. 14;
    is($cache->('test-1'), $kept, 'after 15 others the hash is still kept');
    $cache->("test-4-$_") for 1 .. 15;
    is($cache->('test-1')->{expensive}, 'found', 'one that is in use is never too old');
    $cache->("test-5-$_") for 1 .. 16;
    is($cache->('test-1')->{expensive}, undef, 'after 16 others it is a new one');
};

subtest 'a cache hash has one id on both sides of a fork' => sub {
    my $hash = {};
    my $id = Tenon::Cache::id_of($hash);
    pipe(my $in, my $out) or die "pipe: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        require POSIX;
        syswrite($out, Tenon::Cache::id_of($hash) . ' ' . Tenon::Cache::id_of({}));
        POSIX::_exit(0);
    }
    close($out);
    sysread($in, my $said, 100);
    waitpid($pid, 0);
    my ($same, $new) = split(m/ /, $said);
    is($same, $id, 'the operation of the parent stays one');
    isnt($new, Tenon::Cache::id_of({}), 'one that begins in the child is none of the parent');
};

subtest 'a size that crossed is a number for those who write JSON, a guest is text' => sub {
    my $args = from_wire(
        'volume_resize',
        9,
        {
            scfg => { type => 'nas' },
            storeid => 'nas',
            volname => 'vm-100-disk-0',
            size => Data::MessagePack->unpack(Data::MessagePack->pack(2097152)),
            running => $FALSE
        });
    my $flags = B::svref_2object(\$args->[3])->FLAGS;
    ok(!($flags & (B::SVf_POK | B::SVp_POK)), 'the size has no text');
    is(JSON::PP->new->encode([$args->[3]]), '[2097152]');
    my $rename =
        { scfg => { type => 'nas' }, storeid => 'nas', source_volname => 'a', target_vmid => 100 };
    is(JSON::PP->new->encode([from_wire('rename_volume', 10, $rename)->[3]]), '["100"]');
};

done_testing();
