# The file is long because one module is tested here, which has that many functions.
use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use POSIX ();
use Test::More;

use lib "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Exception;
use PVE::INotify;
use PVE::JSONSchema;
use PVE::ProcFSTools;
use PVE::SafeSyslog;
use PVE::Tools;

my $real = $ENV{TENON_PVE_LIB};
my $dir = tempdir(CLEANUP => 1);
umask(oct('0022'));

sub caught ($code) {
    local $SIG{__WARN__} = sub { };
    my $value = eval { $code->() };
    return $@ ? "died: $@" : $value;
}

sub mode ($file) {
    return sprintf('%04o', (stat($file))[2] & oct('07777'));
}

sub slurp ($file) {
    open(my $fh, '<', $file) or die "$file: $!\n";
    local $/ = undef;
    return <$fh> // '';
}

subtest 'file_set_contents' => sub {
    my @rows = (
        ['new file', 'a', ["x\n"], "x\n", '0644'],
        ['mode', 'b', ['y', oct('0600')], 'y', '0600'],
        ['mode and umask', 'c', ['z', oct('0666')], 'z', '0644'],
        ['empty', 'd', [''], '', '0644'],
        ['UTF-8', 'e', ["\x{fc}\x{263a}", undef, 1], "\xc3\xbc\xe2\x98\xba", '0644'],
        ['wide characters', 'f', ["\x{263a}"], "\xe2\x98\xba", '0644'],
    );
    for my $row (@rows) {
        my ($name, $file, $args, $content, $mode) = $row->@*;
        caught(sub { PVE::Tools::file_set_contents("$dir/$file", $args->@*) });
        is_deeply([slurp("$dir/$file"), mode("$dir/$file")], [$content, $mode], $name);
    }

    symlink("$dir/a", "$dir/link") or die "$!\n";
    PVE::Tools::file_set_contents("$dir/link", 'new');
    ok(!-l "$dir/link", 'a link is replaced');
    is(slurp("$dir/a"), "x\n", '... and not followed');

    PVE::Tools::file_set_contents("$dir/g.tmp.$$", 'stale');
    PVE::Tools::file_set_contents("$dir/g", 'g');
    is(slurp("$dir/g"), 'g', 'a stale temporary file is no obstacle');

    is(
        caught(sub { PVE::Tools::file_set_contents("$dir/no/a", 'x') }),
        "died: unable to open file '$dir/no/a.tmp.$$' - No such file or directory\n",
        'no directory',
    );
    mkdir("$dir/isdir");
    is(
        caught(sub { PVE::Tools::file_set_contents("$dir/isdir", 'x') }),
        "died: close (rename) atomic file '$dir/isdir' failed: Is a directory\n",
        'a directory in the way',
    );
    is_deeply([glob("$dir/*.tmp.*")], [], 'no temporary file is left');
};

subtest 'space' => sub {
    my $space = PVE::Tools::df($dir, 10);
    my @df = split(' ', (split(m/\n/, qx(df -B1 --output=size,used,avail '$dir')))[1]);
    is($space->{total}, $df[0], 'the size is that of df');
    cmp_ok($space->{used} + $space->{avail}, '<=', $space->{total},
        'used and free are parts of it');
    is_deeply(
        PVE::Tools::df("$dir/no", 10),
        { total => 0, used => 0, avail => 0 },
        'no directory has no space'
    );
    mkdir("$dir/du");
    PVE::Tools::file_set_contents("$dir/du/a", 'x' x 5000);
    my ($du) = qx(du -sb '$dir/du') =~ m/\A(\d+)/;
    is(PVE::Tools::du("$dir/du"), $du, 'du');
    isnt(caught(sub { PVE::Tools::du("$dir/no") }), undef, 'du of nothing dies');
};

subtest 'sizes, words and values' => sub {
    my @rows = (
        [[qw(convert_size 1 gb mb)], 1024],
        [[qw(convert_size 1 mb gb)], 1],
        [[qw(convert_size 1 mb gb 1)], 0],
        [[qw(convert_size 1.5 gb mb)], 1536],
        [[qw(convert_size .5 gb mb)], 512],
        [[qw(convert_size 1025 b kb)], 2],
        [[qw(convert_size x b b)], qr/value 'x' is not a valid, positive number/],
        [[qw(convert_size 1 q b)], qr/unknown 'from' and\/or 'to' units \(q => b\)/],
        [['convert_size', '', 'b', 'b'], qr/no value given/],
        [[qw(shellquote plain/-_.1)], 'plain/-_.1'],
        [['shellquote', 'a b'], q('a b')],
        [['shellquote', q(it's)], q('it'\''s')],
        [['shellquote', ''], q('')],
        [['cmd2string', ['a', 'b c']], q(a 'b c')],
        [['cmd2string', 'a b'], 'a b'],
        [['cmd2string', undef], qr/no arguments/],
        [['encode_text', "a:b%\n\x{20ac}"], 'a%3Ab%25%0A%E2%82%AC'],
        [['decode_text', 'a%3Ab%zz%e2%82%ac'], "a:b%zz\x{20ac}"],
        [['is_deeply', { a => [1, { b => undef }] }, { a => [1, { b => undef }] }], 1],
        [['is_deeply', { a => [1] }, { a => [2] }], 0],
        [['is_deeply', [1], [1, 2]], 0],
        [['is_deeply', [1, 2], [1]], 0],
        [['is_deeply', {}, []], 0],
        [['is_deeply', undef, 'a'], 0],
        [['safe_compare', 1, 2, sub { $_[0] <=> $_[1] }], -1],
        [['safe_compare', undef, 2, sub { die }], -1],
        [['safe_compare', undef, undef, sub { die }], 0],
        [['dev_t_major', 64_768], 253],
        [['dev_t_minor', 1_048_577], 257],
        [['assert_if_modified', 'a', 'b'], qr/file changed by other user/],
    );
    for my $row (@rows) {
        my ($call, $expected) = $row->@*;
        my ($name, @args) = $call->@*;
        my $code = PVE::Tools->can($name);
        my $got = caught(sub { scalar($code->(@args)) });
        my $what = "$name(" . join(', ', map { ($_ // 'undef') =~ s/[^ -~]/?/gr } @args) . ')';
        ref($expected) ? like($got, $expected, $what) : is($got, $expected, $what);
    }
    is_deeply([PVE::Tools::parse_host_and_port('a-b.c:1')], ['a-b.c', 1, 1], 'a host and a port');
    is_deeply([PVE::Tools::parse_host_and_port('[::1]:22')], ['::1', 22, 1], 'in brackets');
    is_deeply([PVE::Tools::parse_host_and_port('::1')], ['::1', undef, 1], 'without a port');
    is_deeply([PVE::Tools::parse_host_and_port('a_b')], [], 'no host');
    is_deeply(PVE::Tools::array_intersect([[1, 2, 2], [2, 3]]), [2], 'what is in both');
};

subtest 'reading files' => sub {
    PVE::Tools::file_set_contents("$dir/r", "  a b \nc\n");
    PVE::Tools::file_set_contents("$dir/empty", '');
    truncate("$dir/r", 9);
    my @rows = (
        ['contents', sub { PVE::Tools::file_get_contents("$dir/r") }, "  a b \nc\n"],
        ['at the limit', sub { PVE::Tools::file_get_contents("$dir/r", 9) }, "  a b \nc\n"],
        [
            'over it',
            sub { PVE::Tools::file_get_contents("$dir/r", 3) },
            "died: file '$dir/r' too long - aborting\n"
        ],
        [
            'none',
            sub { PVE::Tools::file_get_contents("$dir/no") },
            "died: can't open '$dir/no' - No such file or directory\n"
        ],
        [
            'a directory',
            sub { PVE::Tools::file_get_contents($dir) },
            "died: unable to read file '$dir' - Is a directory\n"
        ],
        ['first line', sub { PVE::Tools::file_read_firstline("$dir/r") }, '  a b '],
        ['first line of none', sub { PVE::Tools::file_read_firstline("$dir/no") }, undef],
        [
            'first line of an empty file',
            sub { PVE::Tools::file_read_firstline("$dir/empty") }, undef
        ],
        [
            'first line behind a file',
            sub { PVE::Tools::file_read_firstline("$dir/r/x") },
            "died: file '$dir/r/x' exists but open for reading failed - Not a directory\n",
        ],
    );
    for my $row (@rows) {
        my ($name, $code, $expected) = $row->@*;
        is(caught($code), $expected, $name);
    }

    PVE::Tools::file_set_contents("$dir/big", '');
    truncate("$dir/big", 1024 * 1024);
    is(length(PVE::Tools::file_get_contents("$dir/big")), 1024 * 1024, 'a mebibyte is read');
    truncate("$dir/big", 1024 * 1024 + 1);
    like(
        caught(sub { PVE::Tools::file_get_contents("$dir/big") }),
        qr/too long - aborting/,
        'and no more'
    );

    PVE::Tools::file_copy("$dir/r", "$dir/copy", undef, oct('0640'));
    is_deeply([slurp("$dir/copy"), mode("$dir/copy")], ["  a b \nc\n", '0640'], 'file_copy');
};

subtest 'directories' => sub {
    my $sub = "$dir/glob";
    mkdir($sub);
    PVE::Tools::file_set_contents("$sub/$_", '') for qw(vm-1 vm-2 other);
    my @seen;
    PVE::Tools::dir_glob_foreach($sub, '(vm)-(\d)', sub { push @seen, [@_] });
    @seen = sort { $a->[0] cmp $b->[0] } @seen;
    is_deeply(\@seen, [['vm-1', 'vm', 1], ['vm-2', 'vm', 2]], 'matches and captures');
    @seen = ();
    PVE::Tools::dir_glob_foreach($sub, 'vm', sub { push @seen, [@_] });
    is_deeply(\@seen, [], 'the whole name has to match');
    PVE::Tools::dir_glob_foreach("$sub/no", '.*', sub { die "called\n" });
    pass('a missing directory is none');
    is(
        caught(
            sub {
                PVE::Tools::dir_glob_foreach($sub, 'other', sub { die "x\n" });
            }
        ),
        "died: x\n",
        'an error passes'
    );

    is_deeply(
        [PVE::Tools::dir_glob_regex($sub, '(oth)(er)')],
        ['other', 'oth', 'er'],
        'first match'
    );
    is(scalar(PVE::Tools::dir_glob_regex($sub, '(oth)er')), 'other', '... in scalar context');
    is_deeply([PVE::Tools::dir_glob_regex($sub, 'x')], [], 'no match');
    is(scalar(PVE::Tools::dir_glob_regex("$sub/no", 'x')), undef, 'no directory');
};

subtest 'strings and parameters' => sub {
    my @rows = ([
            'trim',
            [map { PVE::Tools::trim($_) } undef, '', " a b\n", "\t x"],
            [undef, '', 'a b', 'x']
        ],
        ['split_list: undef', [PVE::Tools::split_list(undef)], []],
        ['split_list: separators', [PVE::Tools::split_list(" a, b;;c  d\n")], [qw(a b c d)]],
        ['split_list: NUL', [PVE::Tools::split_list("a,b\0c d")], ['a,b', 'c d']],
        ['split_list: nothing', [PVE::Tools::split_list(',')], []],
    );
    for my $row (@rows) {
        my ($name, $got, $expected) = $row->@*;
        is_deeply($got, $expected, $name);
    }

    my $param = { a => 1, password => 2 };
    is_deeply(
        [PVE::Tools::extract_param($param, 'a'), PVE::Tools::extract_param($param, 'q')],
        [1, undef],
        'extract_param'
    );
    is_deeply($param, { password => 2 }, '... removes it');
    is_deeply(
        PVE::Tools::extract_sensitive_params($param, ['password', 'key'], ['key']),
        { password => 2, key => undef },
        'extract_sensitive_params',
    );
    is_deeply($param, {}, '... removes them');

    my @good4 = qw(0.0.0.0 1.2.3.4 255.255.255.255);
    my @bad4 = qw(1.2.3 1.2.3.256 a.b.c.d 1.2.3.4.5);
    my @good6 =
        qw(:: ::1 1:: 1:2:3:4:5:6:7:8 fe80::1 1:2:3:4:5:6::8 2001:db8::1.2.3.4 ::2:3:4:5:6:7:8);
    my @bad6 = qw(1 1:2 1:2:3:4:5:6:7:8:9 1::2::3 g:: 12345:: 1:2:3:4:5:6:7:8:: :::);
    is_deeply([grep { m/\A$PVE::Tools::IPV4RE\z/ } @good4, @bad4], \@good4, 'IPv4');
    is_deeply([grep { m/\A$PVE::Tools::IPV6RE\z/ } @good6, @bad6], \@good6, 'IPv6');
};

subtest 'lock_file' => sub {
    my $lock = "$dir/lock";
    my @rows = (
        ['result', ["$lock", 2, sub { "got @_" }, 'x', 'y'], 'got x y', ''],
        ['scalar context', [$lock, 2, sub { wantarray ? 'list' : 'scalar' }], 'scalar', ''],
        ['an error of the code', [$lock, 2, sub { die "inner\n" }], undef, "inner\n"],
        [
            're-entrant',
            [
                $lock, 2,
                sub {
                    PVE::Tools::lock_file($lock, 1, sub { 'inside' });
                }
            ],
            'inside',
            ''
        ],
        [
            'no directory',
            ["$dir/no/lock", 2, sub { 'called' }],
            undef,
            "can't lock file '$dir/no/lock' - can't open file - No such file or directory\n",
        ],
    );
    for my $row (@rows) {
        my ($name, $args, $result, $err) = $row->@*;
        my $got = PVE::Tools::lock_file($args->@*);
        is_deeply([$got, $@], [$result, $err], $name);
    }
    {
        my $ref = { code => 7 };
        PVE::Tools::lock_file($lock, 2, sub { die $ref });
        is($@, $ref, 'an error object passes');
    }

    # Another process holds it.
    pipe(my $reader, my $writer) or die "$!\n";
    my $pid = fork() // die "$!\n";
    if (!$pid) {
        PVE::Tools::lock_file($lock, 2, sub { syswrite($writer, 'x'); sleep(20) });
        POSIX::_exit(0);
    }
    sysread($reader, my $byte, 1);
    open(my $saved, '>&', \*STDERR) or die "$!\n";
    open(STDERR, '>', "$dir/stderr") or die "$!\n";
    my $got = PVE::Tools::lock_file($lock, 1, sub { 'called' });
    my $err = $@;
    open(STDERR, '>&', $saved) or die "$!\n";
    is_deeply([$got, $err], [undef, "can't lock file '$lock' - got timeout\n"], 'timeout');
    like(slurp("$dir/stderr"), qr/\Atrying to acquire lock\.\.\./, '... is announced');
    kill('KILL', $pid);
    waitpid($pid, 0);
    is(PVE::Tools::lock_file($lock, 1, sub { 'called' }), 'called', 'it ends with its process');

    # A forked child owns no lock of its parent.
    my $status = PVE::Tools::lock_file(
        $lock, 2,
        sub {
            my $child = fork() // die "$!\n";
            if (!$child) {
                open(STDERR, '>', '/dev/null');
                PVE::Tools::lock_file($lock, 1, sub { 1 });
                POSIX::_exit($@ ? 5 : 0);
            }
            waitpid($child, 0);
            return $? >> 8;
        },
    );
    is($status, 5, 'a forked child waits');

    my $shared = PVE::Tools::lock_file_full($lock, 2, 1, sub { "shared $_[0]" }, 3);
    is($shared, 'shared 3', 'a shared lock');

    alarm(20);
    my $left = PVE::Tools::lock_file($lock, 2, sub { alarm(0) });
    cmp_ok($left, '>=', 19, 'an alarm runs on while the code runs');
};

subtest 'run_with_timeout' => sub {
    ok(!(grep { $_ eq 'run_with_timeout' } @PVE::Tools::EXPORT_OK), 'is not exported');
    my @rows = (
        ['list', [PVE::Tools::run_with_timeout(2, sub { "x@_" }, 1, 2)], ['x1 2', 0]],
        ['list, timeout', [PVE::Tools::run_with_timeout(1, sub { sleep(5); 5 })], [undef, 1]],
        ['scalar', [scalar(PVE::Tools::run_with_timeout(2, sub { 'x' }))], ['x']],
        [
            'the code has scalar context',
            [PVE::Tools::run_with_timeout(2, sub { my @l = (4, 5, 6); @l })],
            [3, 0]
        ],
    );
    for my $row (@rows) {
        my ($name, $got, $expected) = $row->@*;
        is_deeply($got, $expected, $name);
    }
    is(
        caught(
            sub {
                scalar(PVE::Tools::run_with_timeout(1, sub { sleep(5) }));
            }
        ),
        "died: got timeout\n",
        'scalar, timeout'
    );
    is(
        caught(
            sub {
                PVE::Tools::run_with_timeout(0, sub { 1 });
            }
        ),
        "died: got timeout\n",
        'no time at all'
    );
    is(
        caught(
            sub {
                PVE::Tools::run_with_timeout(2, sub { die "y\n" });
            }
        ),
        "died: y\n",
        'an error passes'
    );
    alarm(20);
    PVE::Tools::run_with_timeout(2, sub { 1 });
    cmp_ok(alarm(0), '>=', 19, 'an outer alarm is kept');
};

subtest 'JSONSchema' => sub {
    my $format = {
        a => { type => 'integer', default_key => 1, minimum => 0, maximum => 9 },
        b => { type => 'string', optional => 1, maxLength => 3, pattern => '[a-z]+' },
        e => { type => 'string', optional => 1, enum => ['x', 'y'] },
        f => { type => 'boolean', optional => 1 },
        i => { type => 'string', optional => 1, format => 'ip' },
    };
    my $missing = 'property is missing and it is not optional';
    my @rows = (
        ['default key', '5', { a => 5 }],
        ['keys', 'a=1,b=x', { a => 1, b => 'x' }],
        ['boolean', '1,f=yes', { a => 1, f => 1 }],
        ['empty part', '1,,b=x', { a => 1, b => 'x' }],
        ['format', '1,i=::1', { a => 1, i => '::1' }],
        ['duplicate', 'a=1,a=2', "duplicate key in comma-separated list property: a\n"],
        ['missing', 'b=x', { errors => { a => $missing } }],
        ['type', 'q', { errors => { a => "type check ('integer') failed - got 'q'" } }],
        ['minimum', '-1', { errors => { a => 'value must have a minimum value of 0' } }],
        ['maximum', '10', { errors => { a => 'value must have a maximum value of 9' } }],
        ['length', '1,b=abcd', { errors => { b => 'value may only be 3 characters long' } }],
        ['pattern', '1,b=A', { errors => { b => 'value does not match the regex pattern' } }],
        [
            'enum', '1,e=z',
            { errors => { e => "value 'z' does not have a value in the enumeration 'x, y'" } }
        ],
        [
            'unknown',
            '1,u=1',
            {
                errors => {
                    u => 'property is not defined in schema'
                        . ' and the schema does not allow additional properties',
                },
            },
        ],
    );
    for my $row (@rows) {
        my ($name, $text, $expected) = $row->@*;
        my $got = eval { PVE::JSONSchema::parse_property_string($format, $text) };
        my $err = $@;
        $got = ref($err) ? { errors => $err->{errors} } : $err if !$got;
        is_deeply($got, $expected, "parse_property_string: $name");
    }
    is(PVE::JSONSchema::print_property_string({ a => 1, b => 'x', f => 1 }, $format),
        '1,b=x,f=1', 'print_property_string');

    my $override = { optional => 1 };
    my $option = PVE::JSONSchema::get_standard_option('pve-vmid', $override);
    is($option, $override, 'get_standard_option completes the override');
    is_deeply([@$option{qw(type minimum optional)}], ['integer', 100, 1], '... with its schema');
    is(
        caught(sub { PVE::JSONSchema::get_standard_option('nono') }),
        "died: no such standard option 'nono'\n",
        '... or dies'
    );
    is(PVE::JSONSchema::get_standard_option('bwlimit')->{type}, 'string', 'bwlimit');

    PVE::JSONSchema::register_format('tenon-even', sub { $_[0] % 2 ? die "odd\n" : $_[0] });
    is(
        caught(
            sub {
                PVE::JSONSchema::register_format('tenon-even', sub { });
            }
        ),
        "died: JSON schema format 'tenon-even' already registered\n",
        'register_format: twice',
    );
    is(caught(sub { PVE::JSONSchema::check_format('tenon-even', 4) }), 4, 'check_format');
    is(caught(sub { PVE::JSONSchema::check_format('tenon-even', 3) }), "died: odd\n", '... dies');
    is_deeply(PVE::JSONSchema::check_format('tenon-even-list', '2, 4'), [2, 4], '... of a list');

    my @formats = (
        ['ip', '1.2.3.4', 'abc'],
        ['ipv4', '1.2.3.4', '::1'],
        ['ipv6', '::1', '1.2.3.4'],
        ['CIDR', '1.2.3.0/24', '1.2.3.4'],
        ['address', 'a.example', 'a b'],
        ['dns-name', 'a.example', 'a/b'],
        ['email', 'a@b.de', 'abc'],
        ['pve-node', 'node-1', 'a.b'],
        ['pve-configid', 'abc', '100'],
        ['pve-vmid', '100', '99'],
        ['pve-storage-id', 'ab', 'a'],
    );
    for my $row (@formats) {
        my ($name, $good, $bad) = $row->@*;
        is(caught(sub { PVE::JSONSchema::check_format($name, $good) }),
            $good, "format $name: $good");
        like(caught(sub { PVE::JSONSchema::check_format($name, $bad) }),
            qr/\Adied: /, "format $name: $bad");
    }
    is(PVE::JSONSchema::pve_verify_ip('x', 1), undef, 'a check without dying');
    is_deeply(
        [map { PVE::JSONSchema::parse_boolean($_) } qw(1 on yes true 0 off no false x)],
        [1, 1, 1, 1, 0, 0, 0, 0, undef],
        'parse_boolean'
    );
};

subtest 'Exception' => sub {
    my $text = sub ($code) {
        eval { $code->() };
        return "$@" =~ s/ at \S+ line \d+/ at F line N/gr;
    };
    my @rows = (
        ['position', sub { PVE::Exception::raise('m', code => 500) }, "500 m at F line N\n"],
        ['newline', sub { PVE::Exception::raise("m\n") }, "m\n"],
        [
            'parameters',
            sub { PVE::Exception::raise_param_exc({ a => 'bad' }, "usage\n") },
            "400 Parameter verification failed.\na: bad\nusage\n",
        ],
        [
            'permission',
            sub { PVE::Exception::raise_perm_exc('what') },
            "403 Permission check failed (what)\n"
        ],
        [
            'propagated',
            sub {
                eval { PVE::Exception::raise('m') };
                die;
            },
            "m at F line N\n\t...propagated at F line N\n"
        ],
    );
    for my $row (@rows) {
        my ($name, $code, $expected) = $row->@*;
        is($text->($code), $expected, $name);
    }
    eval { PVE::Exception::raise_param_exc({ a => 'bad' }) };
    ok(ref($@) && $@->isa('PVE::Exception') && $@->is_param_exc, 'class');
    is_deeply([$@->{filename}, $@->{errors}], [__FILE__, { a => 'bad' }], 'fields');
    ok(PVE::Exception->new(''), 'is true, always');
};

subtest 'run_fork and run_fork_with_timeout' => sub {
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, $_[0] };
    my $here = $$;
    my @seen;
    my $value = { a => [1, undef, "\x{e9}\x{263a}"] };
    is_deeply(scalar(PVE::Tools::run_fork(sub { return $value })), $value, 'what the code returns');
    ok(scalar(PVE::Tools::run_fork(sub { $$ != $here })), 'is said by another process');
    PVE::Tools::run_fork(sub { 1 }, { afterfork => sub { push @seen, @_ } });
    like("@seen", qr/\A[0-9]+\z/, 'which is told');
    is(
        caught(
            sub {
                PVE::Tools::run_fork(sub { die "no\n" });
            }
        ),
        "died: no\n",
        'a die is one here'
    );
    is_deeply(\@warnings, [], 'nothing is warned of');

    my $late = sub { sleep(60) };
    is(scalar(PVE::Tools::run_fork_with_timeout(1, $late)),
        undef, 'nothing of a child that is late');
    is_deeply(\@warnings, ["got timeout\n"], '... with a warning');
    @warnings = ();
    is_deeply([PVE::Tools::run_fork_with_timeout(1, $late)], [undef, 1], '... or a second value');
    is_deeply([PVE::Tools::run_fork_with_timeout(9, sub { 7 })], [7, 0], 'in time');
    is_deeply(\@warnings, [], '... without one');

    is(scalar(PVE::Tools::run_fork(sub { POSIX::_exit(0) })),
        undef, 'a child that ends without a word');
    is(scalar(@warnings), 1, '... is warned of');
    is(waitpid(-1, POSIX::WNOHANG()), -1, 'no child is left');
};

subtest 'safe_read_from' => sub {
    my $read = sub ($text, @more) {
        pipe(my $from, my $to) or die "$!\n";
        print {$to} $text;
        close($to);
        return caught(sub { PVE::Tools::safe_read_from($from, @more) });
    };
    is($read->("a\nb\n"), "a\nb\n", 'everything');
    is($read->("a\nb\n", undef, 1), 'a', 'a line');
    is($read->('a', undef, 1), 'a', 'a line without its end');
    is($read->(''), '', 'nothing');
    is($read->('12345', 4), "died: input too long - aborting\n", 'too much');
    is($read->('12345', 4, 0, 'f'), "died: file 'f' too long - aborting\n", '... of a file');
};

subtest 'the rest' => sub {
    is(PVE::INotify::nodename(), (POSIX::uname())[1] =~ s/\..*//r, 'nodename');

    my $mounts = PVE::ProcFSTools::parse_proc_mounts();
    my ($proc) = grep { $_->[1] eq '/proc' } $mounts->@*;
    is($proc->[2], 'proc', 'parse_proc_mounts');
    is(scalar($proc->@*), 6, '... six fields');

    open(my $saved, '>&', \*STDERR) or die "$!\n";
    open(STDERR, '>', "$dir/stderr") or die "$!\n";
    my $lived = eval {
        local $SIG{__WARN__} = sub { };
        initlog('tenon-test');
        syslog('warn', 'a %s', 'b');
        syslog('nonsense', '100% %s');
        syslog('err', "wide \x{263a}");
        1;
    };
    open(STDERR, '>&', $saved) or die "$!\n";
    ok($lived, 'syslog never dies');
};

done_testing();
