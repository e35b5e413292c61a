use v5.36;
no warnings 'once';

use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

my $real = $ENV{TENON_PVE_LIB};
my @include = map { "-I$_" } (grep { defined($_) } $real), "$FindBin::Bin/../lib",
    "$FindBin::Bin/../compat";
my $dir = tempdir(CLEANUP => 1);
my @warnings;
local $SIG{__WARN__} = sub { push @warnings, @_ };
local $ENV{TZ} = 'UTC';

sub caught ($code) {
    my $value = eval { $code->() };
    return $@ ? "died: $@" : $value;
}

sub quietly ($code) {
    open(my $saved_out, '>&', \*STDOUT) or die "$!\n";
    open(my $saved_err, '>&', \*STDERR) or die "$!\n";
    open(STDOUT, '>', "$dir/stdout") or die "$!\n";
    open(STDERR, '>&', \*STDOUT) or die "$!\n";
    my $value = caught($code);
    open(STDOUT, '>&', $saved_out) or die "$!\n";
    open(STDERR, '>&', $saved_err) or die "$!\n";
    return $value;
}

my @CORE = qw(
    BTRFS CIFS CephFS Dir ESXi ISCSIDirect ISCSI LVM LvmThin NFS PBS RBD ZFSPool ZFS
);

subtest 'what is in memory' => sub {
    my @modules = qw(
        Tools JSONSchema INotify Cluster SectionConfig SafeSyslog Exception ProcFSTools Network
        RESTEnvironment RPCEnvironment DataCenterConfig SSHInfo Systemd Storage::Common
    );
    for my $module (@modules, map { "Storage::${_}Plugin" } @CORE) {
        my $file = "PVE/$module.pm" =~ s{::}{/}gr;
        ok($INC{$file}, $file);
    }
    my %types = (
        dir => 'Dir',
        lvmthin => 'LvmThin',
        zfspool => 'ZFSPool',
        esxi => 'ESXi',
        btrfs => 'BTRFS',
        iscsidirect => 'ISCSIDirect'
    );
    for my $type (sort keys %types) {
        my $class = "PVE::Storage::$types{$type}Plugin";
        is(PVE::Storage::Plugin->lookup($type), $class, "the class of $type");
        ok($class->isa('PVE::Storage::Plugin'), '... is derived');
    }
    is(scalar(PVE::Storage::Plugin->lookup_types->@*), 14, 'all types');
    ok(PVE::Storage::DirPlugin->can($_), $_)
        for qw(get_volume_attribute update_volume_attribute get_volume_notes update_volume_notes
        get_import_metadata volume_qemu_snapshot_method);
};

subtest 'another API version is announced' => sub {
    plan(skip_all => "PVE's own has one") if $real;
    my $script = 'use PVE::Storage;'
        . ' print PVE::Storage::APIVER, " ", PVE::Storage::APIAGE, " ", PVE::Storage->can("APIVER")->()';
    for my $row (['', '16 7 16'], ['15', '15 6 15'], ['13', '13 4 13'], ['9', '9 0 9']) {
        my ($level, $expected) = $row->@*;
        local $ENV{TENON_API_LEVEL} = $level;
        for my $switch ('-w', '-T') {
            local $ENV{PATH} = '/usr/bin:/bin';
            open(my $out, '-|', $^X, $switch, @include, '-e', $script) or die "$!\n";
            is(scalar(<$out>), $expected, "'$level' with $switch");
            close($out);
        }
    }
    for my $level (8, 17, 'x', '9.5') {
        local $ENV{TENON_API_LEVEL} = $level;
        open(my $saved, '>&', \*STDERR) or die "$!\n";
        open(STDERR, '>', "$dir/stderr") or die "$!\n";
        system($^X, @include, '-e', $script);
        open(STDERR, '>&', $saved) or die "$!\n";
        open(my $fh, '<', "$dir/stderr") or die "$!\n";
        is(scalar(<$fh>), "TENON_API_LEVEL is '$level'; API versions are 9 to 16\n", "not $level");
    }
};

subtest 'the configuration' => sub {
    is(
        caught(sub { PVE::Storage::path({ ids => {} }, 'ab:c') }),
        "died: storage 'ab' does not exist\n",
        'a path of no storage'
    );
    is(PVE::Storage::protection_file_path('/x/y'), '/x/y.protected', 'protection_file_path');
    SKIP: {
        skip("PVE's own reads storage.cfg", 3) if $real;
        my $code = sub { 1 };
        PVE::Storage::set_section('nas', { type => 'dir', path => '/x', token => $code });
        my $cfg = PVE::Storage::config();
        is($cfg->{ids}->{nas}->{token}, $code, 'a section may hold anything');
        $cfg->{ids}->{nas}->{path} = '/changed';
        is(PVE::Storage::config()->{ids}->{nas}->{path}, '/x', 'each call has a copy');
        ok($cfg->{order}->{nas}, 'in its order');
    }
};

subtest 'archive_info' => sub {
    my $time = '2024_01_02-03_04_05';
    my %std = (is_std_name => 1, vmid => 100, ctime => 1704164645);

    # Since pve-storage 9.1.11 tar unpacks nothing itself.
    my %tar =
        $real
        ? (gz => 'tar,-z', zst => 'tar,--zstd', bz2 => 'tar,--bzip2', lzo => 'tar,--lzop')
        : (
        gz => 'zcat,--',
        zst => 'zstd,-q,-d,-c,--',
        bz2 => 'bzcat,-q,--',
        lzo => 'lzop,-d,-c,--'
        );
    my $end = $real ? '' : ',--';
    my @rows = (
        ["backup/vzdump-qemu-100-$time.vma.zst", "qemu vma zst zstd,-q,-d,-c$end", 1],
        ["vzdump-lxc-100-$time.tar", 'lxc tar - -', 1],
        ["st:backup/vzdump-lxc-100-$time.tar.gz", "lxc tar gz $tar{gz}", 1],
        ["/x/y/vzdump-qemu-100-$time.vma", 'qemu vma - -', 1],
        ["vzdump-openvz-7-$time.tgz", "openvz tar gz $tar{gz}", 0],
        ['vzdump-qemu-100-x.vma.lzo', "qemu vma lzo lzop,-d,-c$end", 0],
        ["vzdump-lxc-100-$time.tar.zst", "lxc tar zst $tar{zst}", 1],
        ["vzdump-lxc-100-$time.tar.bz2", "lxc tar bz2 $tar{bz2}", 1],
        ["vzdump-lxc-100-$time.tar.lzo", "lxc tar lzo $tar{lzo}", 1],
        ["vzdump-qemu-100-$time.vma.gz", "qemu vma gz zcat$end", 1],
        ["vzdump-qemu-100-$time.vma.bz2", "qemu vma bz2 bzcat,-q$end", 1],
    );
    for my $row (@rows) {
        my ($archive, $expected, $is_std) = $row->@*;
        my $info = PVE::Storage::archive_info($archive);
        my $file = $archive =~ s{.*/}{}r;
        is(
            join(' ',
                $info->@{qw(type format)},
                $info->{compression} // '-',
                join(',', ($info->{decompressor} // ['-'])->@*)),
            $expected,
            $archive,
        );
        is($info->{filename}, $file, '... its file');
        is($info->{is_std_name}, $is_std, '... its name');
        my ($stem) = $file =~ m/\A([^.]+)/;
        is_deeply(
            { $info->%{ grep { exists($info->{$_}) } qw(vmid ctime logfilename notesfilename) } },
            $is_std
            ? {
                vmid => 100,
                ctime => 1704164645,
                logfilename => "$stem.log",
                notesfilename => "$file.notes"
                }
            : {},
            '... what it tells',
        );
    }
    for my $time (
        qw(2024_02_30-01_02_03 2023_02_29-01_02_03 2024_04_31-00_00_00 2024_13_01-00_00_00 2024_00_10-00_00_00),
        qw(2024_01_00-00_00_00 2024_01_32-00_00_00 2024_01_01-24_00_00 2024_01_01-00_60_00 2024_01_01-00_00_61)
    ) {
        my $archive = "vzdump-qemu-100-$time.vma";
        like(
            caught(sub { PVE::Storage::archive_info($archive) }),
            qr/out of range/,
            "there never was $archive"
        );
    }
    for my $time (qw(2024_02_29-23_59_59 1969_01_02-03_04_05 2038_01_20-00_00_00)) {
        my ($y, $m, $d, $h, $min, $s) = split(m/[_-]/, $time);
        is(
            PVE::Storage::archive_info("vzdump-qemu-100-$time.vma")->{ctime},
            POSIX::mktime($s, $min, $h, $d, $m - 1, $y - 1900, 0, 0, -1),
            "the time of $time",
        );
    }
    for my $archive ('iso/a.iso', 'foo.tgz', "vzdump-host-1-$time.tar", 'backup/x.tar.xz') {
        is(caught(sub { PVE::Storage::archive_info($archive) }),
            "died: ERROR: couldn't determine archive info from '$archive'\n", $archive);
    }
};

subtest 'who keeps nothing keeps all' => sub {
    for my $text ('', 'keep-all=1', 'keep-all=0', 'keep-last=0', 'keep-last=0,keep-weekly=0') {
        is_deeply(PVE::JSONSchema::parse_property_string('prune-backups', $text),
            { 'keep-all' => 1 }, "'$text'");
    }
    is_deeply(
        PVE::JSONSchema::parse_property_string('prune-backups', 'keep-last=2'),
        { 'keep-last' => 2 },
        'a number'
    );
    like(
        caught(
            sub {
                PVE::JSONSchema::parse_property_string('prune-backups', 'keep-all=1,keep-last=2');
            }
        ),
        qr/keep-all cannot be set together with other options/,
        'both'
    );
};

subtest 'prune_mark_backup_group' => sub {
    my $end = 1767225600;
    my @half_days = map { $end - $_ * 43200 } 0 .. 20;
    my @rows = (
        ['everything', { 'keep-all' => 1 }, [0 .. 20]],
        ['no limit', {}, [0 .. 20]],
        ['a limit of 0 is none', { 'keep-last' => 0 }, [0 .. 20]],
        ['last', { 'keep-last' => 2 }, [0, 1]],
        ['daily', { 'keep-daily' => 3 }, [0, 1, 3]],
        ['hourly', { 'keep-hourly' => 3 }, [0, 1, 2]],
        [
            'several',
            {
                'keep-last' => 1,
                'keep-daily' => 2,
                'keep-weekly' => 1,
                'keep-monthly' => 1,
                'keep-yearly' => 2
            },
            [0, 1, 3, 7],
        ],
    );
    for my $row (@rows) {
        my ($name, $keep, $expected) = $row->@*;
        my @backups = map { { ctime => $_ } } reverse(@half_days);
        PVE::Storage::prune_mark_backup_group(\@backups, $keep);
        my @kept = map { ($end - $_->{ctime}) / 43200 } grep { $_->{mark} eq 'keep' } @backups;
        is_deeply([sort { $a <=> $b } @kept], $expected, $name);
        is((grep { $_->{mark} eq 'remove' } @backups), 21 - $expected->@*, "$name: the others go");
    }
    my @marked = map { { ctime => $_, $_ % 2 ? (mark => 'protected') : () } } 0 .. 3;
    PVE::Storage::prune_mark_backup_group(\@marked, { 'keep-last' => 1 });
    is(join(' ', map { $_->{mark} } @marked), 'remove protected keep protected', 'marks stay');
    my @removed = ({ ctime => 1, mark => 'remove' }, { ctime => 2, mark => 'renamed' });
    PVE::Storage::prune_mark_backup_group(\@removed, { 'keep-all' => 1 });
    is(join(' ', map { $_->{mark} } @removed), 'keep renamed', 'who keeps all keeps all');
    my @twins = map { { ctime => $_ } } (3, 3, 2, 1);
    PVE::Storage::prune_mark_backup_group(\@twins, { 'keep-last' => 2 });
    is(join(' ', map { $_->{mark} } @twins), 'keep remove keep remove', 'one of each time');
};

subtest 'what types declare' => sub {
    my @secrets = (
        ['dir', ''],
        ['pbs', 'encryption-key master-pubkey password'],
        ['cifs', 'password'],
        ['rbd', 'keyring'],
        ['no-such', 'encryption-key keyring master-pubkey password'],
    );
    for my $row (@secrets) {
        my ($type, $expected) = $row->@*;
        my $got = PVE::Storage::Plugin::sensitive_properties($type);
        is(join(' ', sort $got->@*), $expected, "secrets of $type");
    }
    ok(!PVE::Storage::Plugin::storage_has_feature($_, 'backup-provider'), "features of $_")
        for qw(dir no-such);
    my @content = (
        ['dir', 'backup images import iso none rootdir snippets vztmpl'],
        ['lvm', 'images rootdir'],
        ['pbs', 'backup none'],
        ['iscsi', 'images none'],
        ['esxi', 'import'],
        ['no-such', ''],
    );
    for my $row (@content) {
        my ($type, $expected) = $row->@*;
        my $got = PVE::Storage::Plugin::valid_content_types($type);
        is(join(' ', sort keys $got->%*), $expected, "content of $type");
    }
    is(PVE::Storage::Plugin::content_hash_to_string($_->[0]), $_->[1], "as text: $_->[1]")
        for [{ images => 1, iso => 0 }, 'images'], [{}, ''], [undef, ''];

    my $hint = { 'guest-is-windows' => 1 };
    is(PVE::Storage::Plugin::verify_hints($hint), $hint, 'hints');
    is_deeply([PVE::Storage::Plugin::verify_hints(undef)], [], 'none');
    my $invalid =
        "died: internal error - hints are not valid: 400 Parameter verification failed.\n";
    is(
        caught(sub { PVE::Storage::Plugin::verify_hints({ 'guest-is-windows' => 'x' }) }),
        $invalid . "guest-is-windows: type check ('boolean') failed - got 'x'\n",
        'a bad one'
    );
    is(
        caught(sub { PVE::Storage::Plugin::verify_hints({ foo => 1 }) }),
        $invalid
            . 'foo: property is not defined in schema and the schema does not allow additional'
            . " properties\n",
        'an unknown one'
    );
};

subtest 'files of images' => sub {
    my $qcow2 = "$dir/a.qcow2";
    my $common = 'PVE::Storage::Common';
    my $call = sub ($name, @args) {
        my $code = $common->can($name);
        return quietly(sub { $code->(@args) });
    };
    is($call->('qemu_img_create', 'qcow2', 1024, $qcow2, { preallocation => 'off' }), 0, 'created');
    is($call->('qemu_img_create', 'raw', 12, "$dir/a.raw"), 0, '... without options');
    like(
        $call->('qemu_img_create', 'qcow2', 'x', "$dir/b.qcow2", {}),
        qr/\Adied: unable to create image: qemu-img: /,
        '... or not'
    );
    is($call->('qemu_img_create_qcow2_backed', "$dir/b.qcow2", 'a.qcow2', 'qcow2', {}), 0,
        'backed');
    is($call->('qemu_img_resize', $qcow2, 'qcow2', 2**21, undef, 10), 0, 'resized, to bytes');
    like(
        $call->('qemu_img_resize', "$dir/none", 'qcow2', 1),
        qr/failed: exit code 1$/,
        '... or not'
    );
    like($call->('qemu_img_measure', 1024, 'qcow2', 5, ['cluster_size=128k']),
        qr/"required"/, 'measured');
    like(
        $call->('qemu_img_info', $qcow2, 'qcow2', 5),
        qr/\A\{.*"virtual-size": 2097152/,
        'its info'
    );
    like($call->('qemu_img_info', "$dir/b.qcow2", 'qcow2', 5, 1), qr/\A\[/, '... of a chain');
    like($call->('qemu_img_info', "$dir/none", 'qcow2'),
        qr/\Adied: qemu-img: Could not open/, 'none');

    mkdir("$dir/a.subvol") or die "$!\n";
    PVE::Tools::file_set_contents("$dir/bad.qcow2", 'nope' x 1000);
    @warnings = ();
    my @rows = (
        ['a.raw', ['raw'], [12288, 'raw', 1, undef]],
        ['a.qcow2', ['qcow2'], [2097152, 'qcow2', 1, undef]],
        ['b.qcow2', ['qcow2'], [1048576, 'qcow2', 1, 'a.qcow2']],
        [
            'b.qcow2',
            ['qcow2', 1],
            "died: backing file not allowed for untrusted image '$dir/b.qcow2'!\n"
        ],
        ['a.subvol', ['subvol'], [0, 'subvol', 1, undef]],
        [
            'a.subvol', ['raw'],
            [0, 'subvol', 1, undef],
            "expected format 'raw', but '$dir/a.subvol' is a directory\n"
        ],
        [
            'a.qcow2', [],
            [2097152, 'qcow2', 1, undef],
            "file_size_info: detected call without \$file_format parameter\n"
        ],
        ['none.raw', ['raw'], undef, "failed to stat '$dir/none.raw'\n"],
        [
            'bad.qcow2',
            ['qcow2'],
            "died: qemu-img: Could not open '$dir/bad.qcow2': Image is not in qcow2 format\n",
"command '/usr/bin/qemu-img info '--output=json' $dir/bad.qcow2 -f qcow2' failed: exit code 1\n",
        ],
        ['bad.qcow2', ['auto-detect'], [4096, 'raw', 1, undef]],
        [
            'bad.qcow2',
            ['no-such'],
            [4096, 'raw', 1, undef],
"file_size_info: '$dir/bad.qcow2': falling back to 'raw' from unknown format 'no-such'\n",
        ],
    );

    for my $row (@rows) {
        my ($file, $more, $expected, @expected_warnings) = $row->@*;
        @warnings = ();
        my $got = caught(
            sub {
                my @info = PVE::Storage::Plugin::file_size_info("$dir/$file", 10, $more->@*);
                return if @info == 1;
                cmp_ok(pop(@info), '>', 1e9, "$file: its time");
                $info[2] = defined($info[2]) ? 1 : 0;
                return \@info;
            });
        is_deeply($got, $expected, "$file: " . join(' ', $more->@*));
        is_deeply([map { s/ at \S+ line \d+.*\n/\n/r } @warnings],
            \@expected_warnings, '... warnings');
    }
    is(scalar(PVE::Storage::Plugin::file_size_info($qcow2, undef, 'qcow2')), 2097152, 'a scalar');

    open(my $fh, '+>', "$dir/hole") or die "$!\n";
    syswrite($fh, 'x' x 20000);
    $common->can('deallocate')->($fh, 0, 8192);
    sysseek($fh, 0, 0);
    sysread($fh, my $bytes, 20000);
    is($bytes, "\0" x 8192 . 'x' x 11808, 'a hole');
    my $align = $common->can('align_size_up');
    is(
        quietly(
            sub {
                join(' ', map { $align->($_, 4096) } 0, 1, 4096, '4097');
            }
        ),
        '0 4096 4096 8192',
        'align_size_up'
    );
    is(prototype($align), '$$', '... takes two');
};

subtest 'the directory of a storage' => sub {
    my $make = sub ($more) {
        my $path = "$dir/new/a";
        PVE::Storage::Plugin->config_aware_base_mkdir({ path => $path, $more->%* }, $path);
        my $made = -d $path;
        rmdir($path) && rmdir("$dir/new");
        return $made ? 1 : 0;
    };
    is($make->({ 'create-base-path' => 0 }), 0, 'not wanted');
    is($make->({ mkdir => 0 }), 0, '... by its old name');
    is($make->({ mkdir => 0, 'create-base-path' => 1 }), 1, 'the new one counts');
    is($make->({}), 1, 'made unless told');
};

subtest 'volumes of ZFS' => sub {
    my $text = join(
        '',
        map { join("\t", $_->@*) . "\n" } (
            ['rpool/vm-100-disk-0', 1024, '-', 'volume', '-'],
            ['rpool/vm-102-disk-0', 4096, 'rpool/base-101-disk-0@__base__', 'volume', '-'],
            ['rpool/subvol-103-disk-0', '-', '-', 'filesystem', 8192],
            ['rpool/other', 1, '-', 'volume', '-'],
            ['rpool', '-', '-', 'filesystem', 0],
            ['rpool/sub/vm-1-disk-0', 5, '-', 'volume', '-'],
        ));
    my @expected = (
        { name => 'vm-100-disk-0', owner => 100, format => 'raw', size => 1024 },
        {
            name => 'vm-102-disk-0',
            owner => 102,
            format => 'raw',
            size => 4096,
            origin => 'rpool/base-101-disk-0@__base__'
        },
        { name => 'subvol-103-disk-0', owner => 103, format => 'subvol', size => 8192 },
    );
    is_deeply(PVE::Storage::ZFSPoolPlugin::zfs_parse_zvol_list($text, 'rpool'),
        \@expected, 'those of guests');
};

subtest 'a backup whose name tells no day that was is none' => sub {
    my @days = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
    for my $year (2019, 2020, 1969, 2000, 1900) {
        my $is_leap = $year == 2020 || $year == 2000;
        for my $month (0 .. 13) {
            for my $day (0, 1, 28 .. 32) {
                my $last =
                    $month < 1 || $month > 12 ? 0 : $days[$month - 1] + ($month == 2 && $is_leap);
                my $date = sprintf('%04d_%02d_%02d', $year, $month, $day);
                my $info =
                    eval { PVE::Storage::archive_info("vzdump-qemu-100-$date-12_30_01.vma.zst") };
                is(!!$info, $day >= 1 && $day <= $last, "$date: @{[$@ =~ s/ at .*//sr]}");
            }
        }
    }
    for my $time ('24_00_00', '23_60_00', '23_59_60', '99_99_99') {
        ok(!eval { PVE::Storage::archive_info("vzdump-lxc-100-2020_01_01-$time.tar.gz") }, $time);
    }
};

subtest 'a rule for backups that limits nothing keeps all' => sub {
    my $all = { 'keep-all' => 1 };
    my @table = (
        ['', $all],
        ['keep-all=1', $all],
        ['keep-all=0', $all],
        (map { ["keep-$_=0", $all] } qw(last hourly daily weekly monthly yearly)),
        ['keep-last=0,keep-daily=0', $all],
        ['keep-last=0,keep-all=1', $all],
        ['keep-last=3', { 'keep-last' => 3 }],
        ['keep-all=0,keep-weekly=2', { 'keep-weekly' => 2 }],
        ['keep-last=0,keep-daily=7', { 'keep-last' => 0, 'keep-daily' => 7 }],
    );
    for my $row (@table) {
        my ($text, $keep) = $row->@*;
        is_deeply(PVE::JSONSchema::parse_property_string('prune-backups', $text), $keep, "'$text'");
    }
    ok(
        !eval {
            PVE::JSONSchema::parse_property_string('prune-backups', 'keep-all=1,keep-last=1');
        },
        'both'
    );
    like($@, qr/keep-all cannot be set together with other options/, 'the sentence');
};

done_testing();
