use v5.36;
no warnings 'once';

use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

# With TENON_PVE_LIB the example must give, value for value, the answers of PVE's own directory
# storage.
my $real = $ENV{TENON_PVE_LIB};
my $example = "$FindBin::Bin/../examples/LegacyDirPlugin.pm";
my $legacy = 'PVE::Storage::Custom::LegacyDirPlugin';
my $native = 'PVE::Storage::DirPlugin';

require $example;

my $has_qemu_img = -x '/usr/bin/qemu-img';

my $dir = tempdir(CLEANUP => 1);
my $path = "$dir/storage";
my $scfg =
    { type => 'legacydir', path => $path, content => { images => 1 }, 'legacydir-quiet' => 1 };

sub plugin_config (%more) {
    return { $scfg->%*, %more };
}

# Without the chatter of qemu-img and warnings.
sub silently ($code) {
    my @result;
    open(my $out, '>&', \*STDOUT) or die "$!\n";
    open(my $err, '>&', \*STDERR) or die "$!\n";
    open(STDOUT, '>', "$dir/stdout") or die "$!\n";
    open(STDERR, '>', "$dir/stderr") or die "$!\n";
    my $done = eval { @result = $code->(); 1 };
    my $died = $@;
    STDOUT->flush;
    open(STDOUT, '>&', $out) or die "$!\n";
    open(STDERR, '>&', $err) or die "$!\n";
    return $done ? @result : ("died: $died");
}

sub slurp ($file) {
    open(my $fh, '<', $file) or die "$file: $!\n";
    local $/ = undef;
    return <$fh> // '';
}

sub image ($name, $format, $size, @more) {
    my $file = "$path/images/$name";
    make_path(dirname($file));
    silently(
        sub {
            PVE::Tools::run_command(
                ['qemu-img', 'create', '-q', '-f', $format, @more, $file, $size]);
        });
    return $file;
}

sub touch ($name, $content) {
    my $file = "$path/images/$name";
    make_path(dirname($file));
    PVE::Tools::file_set_contents($file, $content);
    return;
}

sub volids (@args) {
    my ($list) = silently(sub { $legacy->list_images('st', @args) });
    return [map { $_->{volid} } $list->@*];
}

sub mode ($file) {
    return sprintf('%04o', (stat($file))[2] & oct('07777'));
}

subtest 'identity' => sub {
    is($legacy->type, 'legacydir', 'type');
    is($legacy->api, $ENV{TENON_PVE_LIB} ? 15 : 16, 'api');
    for my $row ([8, 9], [9, 9], [12, 12], [15, 15], [16, 16], [17, 16], ['"15-rc"', 9],
        ['undef', 9]) {
        my ($host, $expected) = $row->@*;

        # The compiler puts the constant into the code, so each host needs an interpreter.
        my $script =
              "BEGIN { \$INC{'PVE/Storage.pm'} = 1; *PVE::Storage::APIVER = sub () { $host } }"
            . " require '$example'; print $legacy->api;";
        open(my $out, '-|', $^X, (map { "-I$_" } grep { !ref($_) } @INC), '-e', $script)
            or die "$!\n";
        is(scalar(<$out>), $expected, "api on a host of version $host");
        close($out);
    }
    is_deeply($legacy->plugindata->{format}, [{ raw => 1, qcow2 => 1 }, 'raw'], 'formats');
    ok($legacy->isa('PVE::Storage::Plugin'), 'base class');
    is_deeply([grep { !m/^legacydir-/ } keys $legacy->properties->%*],
        [], 'own properties are prefixed');
    $legacy->register;
    is((silently(sub { PVE::Storage::Plugin->init; 'fine' }))[0],
        'fine', 'all options are declared');
    is(PVE::Storage::Plugin->lookup('legacydir'), $legacy, 'registered');
};

my @volnames = (
    ['100/vm-100-disk-0.raw', ['images', 'vm-100-disk-0.raw', 100, undef, undef, undef, 'raw']],
    ['100/base-100-x.qcow2', ['images', 'base-100-x.qcow2', 100, undef, undef, 'base-', 'qcow2']],
    ['1/foo.raw', ['images', 'foo.raw', 1, undef, undef, undef, 'raw']],
    ['007/vm-7-a.raw', ['images', 'vm-7-a.raw', '007', undef, undef, undef, 'raw']],
    [
        '9/base-9-d.raw/100/vm-100-a.qcow2',
        ['images', 'vm-100-a.qcow2', 100, 'base-9-d.raw', 9, undef, 'qcow2']
    ],
    ['100/snap-a.qcow2', "died: 'snap-a.qcow2' is a snapshot filename, not a volume!\n"],
    ['9/x/100/vm-100-disk-0.qcow2', "died: unable to parse volume filename 'x'\n"],
    ['100/a/b.raw', "died: unable to parse volume filename 'a/b.raw'\n"],
    ['100/../x.raw', "died: unable to parse volume filename '../x.raw'\n"],
    ['100/notes.txt', "died: unable to parse volume filename 'notes.txt'\n"],
    map { [$_, "died: unable to parse directory volume name '$_'\n"] } 'bogus',
    '100/x y.raw',
    'x/vm.raw',
    '/1/a.raw',
    '100/',
);

subtest 'parse_volname' => sub {
    for my $class ($legacy, $real ? $native : ()) {
        for my $row (@volnames) {
            my ($volname, $expected) = $row->@*;
            my $got = eval { [$class->parse_volname($volname)] } // "died: $@";
            is_deeply($got, $expected, "$class: $volname");
        }
    }
    like(
        eval { $legacy->parse_volname('1/a.vmdk') } // $@,
        qr/^unable to parse volume filename/,
        'a foreign format'
    );
};

subtest 'path' => sub {
    for my $class ($legacy, $real ? $native : ()) {
        my $clone = '9/base-9-d.raw/100/a.qcow2';
        my @rows = ([
                'list',
                [$class->path($scfg, '100/a.raw', 'st')],
                ["$path/images/100/a.raw", 100, 'images']
            ],
            [
                'scalar', [scalar($class->path($scfg, '100/a.raw', 'st'))],
                ["$path/images/100/a.raw"]
            ],
            [
                'clone',
                [$class->path($scfg, $clone, 'st')],
                ["$path/images/100/a.qcow2", 100, 'images']
            ],
            [
                'snapshot',
                [$class->path($scfg, '100/a.qcow2', 'st', 's')],
                ["$path/images/100/a.qcow2", 100, 'images']
            ],
            [
                'filesystem_path',
                [$class->filesystem_path($scfg, '100/a.raw')],
                ["$path/images/100/a.raw", 100, 'images']
            ],
        );
        for my $row (@rows) {
            my ($name, $got, $expected) = $row->@*;
            is_deeply($got, $expected, "$class: $name");
        }
        is(
            eval { $class->path($scfg, '1/a.raw', 'st', 's') } // $@,
            "can't snapshot this image format\n",
            "$class: raw"
        );
    }
    my $other = plugin_config('content-dirs' => { images => 'disks' });
    is(scalar($legacy->path($other, '1/a.raw', 'st')), "$path/disks/1/a.raw", 'content-dirs');
};

SKIP: {
    skip('there is no qemu-img here', 1) if !$has_qemu_img;

    image('100/vm-100-disk-0.raw', 'raw', '10M');
    image('100/vm-100-disk-1.qcow2', 'qcow2', '32M');
    image('9000/base-9000-disk-0.qcow2', 'qcow2', '16M');
    image('9000/base-9000-disk-1.raw', 'raw', '16M');
    image(
        '101/vm-101-disk-0.qcow2', 'qcow2', '16M', '-F',
        'qcow2', '-b', '../9000/base-9000-disk-0.qcow2'
    );
    image('101/vm-101-disk-1.qcow2', 'qcow2', '16M', '-F', 'raw', '-b',
        "$path/images/9000/base-9000-disk-1.raw");
    image('100/free-form.raw', 'raw', '1025K');
    image('100/bad name.raw', 'raw', '1M');
    image('100/.hidden.raw', 'raw', '1M');
    image('100/snap-x-vm-100-disk-1.qcow2', 'qcow2', '1M');
    image('1x0/vm-1-disk-0.raw', 'raw', '1M');
    image('7/vm-7-disk-0.raw', 'raw', '1M');
    image('100/vm-100-disk-8.raw', 'qcow2', '4M');
    touch('100/notes.txt', "hello\n");
    touch('100/vm-100-disk-7.qcow2', 'this is no qcow2 image');
    touch('100/empty.raw', '');
    symlink('nowhere', "$path/images/100/dangling.raw") or die "$!\n";

    my @listed = qw(
        st:100/empty.raw st:100/free-form.raw st:100/vm-100-disk-0.raw st:100/vm-100-disk-1.qcow2
        st:100/vm-100-disk-7.qcow2 st:100/vm-100-disk-8.raw
        st:9000/base-9000-disk-0.qcow2/101/vm-101-disk-0.qcow2 st:101/vm-101-disk-1.qcow2
        st:9000/base-9000-disk-0.qcow2 st:9000/base-9000-disk-1.raw
    );

    subtest 'list_images' => sub {
        my ($list) = silently(sub { $legacy->list_images('st', $scfg, undef, undef, {}) });
        is_deeply([map { $_->{volid} } $list->@*], \@listed, 'which');
        my %by_volid = map { $_->{volid} => $_ } $list->@*;
        is_deeply(
            { $by_volid{'st:100/vm-100-disk-0.raw'}->%*, ctime => 0 },
            {
                volid => 'st:100/vm-100-disk-0.raw',
                format => 'raw',
                size => 10 * 1024 * 1024,
                vmid => 100,
                used => (stat("$path/images/100/vm-100-disk-0.raw"))[12] * 512,
                parent => undef,
                ctime => 0,
            },
            'a sparse raw image',
        );
        is($by_volid{'st:100/vm-100-disk-7.qcow2'}->{format},
            'invalid', 'an image in another format');
        is($by_volid{ $listed[6] }->{parent}, '../9000/base-9000-disk-0.qcow2', 'a linked clone');

        my @rows = ([
                'one guest',
                [101],
                [
                    'st:9000/base-9000-disk-0.qcow2/101/vm-101-disk-0.qcow2',
                    'st:101/vm-101-disk-1.qcow2'
                ]
            ],
            ['no guest', [555], []],
            ['another text for the number', ['0101'], []],
            [
                'a list of volumes',
                [undef, ['st:100/vm-100-disk-0.raw', 'xx:101/vm-101-disk-1.qcow2']],
                ['st:100/vm-100-disk-0.raw']
            ],
            ['the list wins', [101, ['st:100/vm-100-disk-0.raw']], ['st:100/vm-100-disk-0.raw']],
            ['an empty list', [undef, []], []],
        );
        for my $row (@rows) {
            my ($name, $args, $expected) = $row->@*;
            is_deeply(volids($scfg, $args->@*), $expected, $name);
        }
        is_deeply(volids(plugin_config(path => "$dir/none")), [], 'no directory');

        my $cache = {};
        is(scalar(volids($scfg, 7, undef, $cache)->@*), 0, 'a guest below 10 is not looked at');
        my $new = image('102/vm-102-disk-0.raw', 'raw', '1M');
        is_deeply(volids($scfg, 102, undef, $cache), [], 'one scan for a cache');
        is_deeply(
            volids($scfg, 102, undef, {}),
            ['st:102/vm-102-disk-0.raw'],
            '... and another for the next'
        );
        unlink($new);
        rmdir(dirname($new));
    };

    subtest 'volume_size_info' => sub {
        my ($size, $format, $used, $parent, $ctime) =
            $legacy->volume_size_info($scfg, 'st', $listed[6] =~ s/^st://r, 5);
        my @st = stat("$path/images/101/vm-101-disk-0.qcow2");
        is_deeply([$size, $format, $used, $parent, $ctime],
            [16 * 1024 * 1024, 'qcow2', $st[12] * 512, '../9000/base-9000-disk-0.qcow2', $st[10]],
            'list',);
        is(scalar($legacy->volume_size_info($scfg, 'st', '100/free-form.raw')),
            1025 * 1024, 'scalar');
        is_deeply([silently(sub { $legacy->volume_size_info($scfg, 'st', '100/nope.raw') })],
            [undef], 'no such volume');
        my ($other) =
            silently(sub { $legacy->volume_size_info($scfg, 'st', '100/vm-100-disk-7.qcow2') });
        is(
            $other,
            "died: qemu-img: Could not open '$path/images/100/vm-100-disk-7.qcow2':"
                . " Image is not in qcow2 format\n",
            'another format',
        );
    };

    subtest 'status' => sub {
        my ($total, $avail, $used, $active) = $legacy->status('st', $scfg, {});
        ok($total > 0 && $avail > 0 && $used > 0 && $total >= $used, 'sizes');
        is($active, 1, 'active');
        is_deeply([silently(sub { $legacy->status('st', plugin_config(path => "$dir/none"), {}) })],
            [undef], 'no directory');
        is(
            (silently(sub { $legacy->status('st', {}, {}) }))[0],
            "died: storage definition has no path\n",
            'no path'
        );
    };

    subtest 'the native storage answers the same' => sub {
        plan(skip_all => 'it needs TENON_PVE_LIB') if !$real;
        my $config = plugin_config(type => 'dir');
        for my $args ([], [100], [101], [undef, [@listed[2, 6]]]) {
            my @got = map {
                my $class = $_;
                silently(sub { $class->list_images('st', $config, $args->@*) })
            } $legacy, $native;
            is_deeply($got[0], $got[1], 'list_images: ' . join(' ', map { $_ // '-' } $args->@*));
        }
        for my $volname ((map { s/^st://r } @listed), '100/nope.raw', '100/dangling.raw', 'bogus') {
            my @got;
            for my $class ($legacy, $native) {
                push @got,
                    [
                    silently(sub { $class->volume_size_info($config, 'st', $volname) }),
                    silently(sub { scalar($class->volume_size_info($config, 'st', $volname, 5)) }),
                    silently(sub { $class->path($config, $volname, 'st') }),
                    silently(sub { $class->path($config, $volname, 'st', 'snap') }),
                    ];
            }
            is_deeply($got[0], $got[1], "size and path: $volname");
        }
        my @status = map { [$_->status('st', $config, {})] } $legacy, $native;
        is($status[0]->[0], $status[1]->[0], 'status: total');
        is($status[0]->[3], $status[1]->[3], 'status: active');
        for my $index (1, 2) {
            my $difference = abs($status[0]->[$index] - $status[1]->[$index]);
            cmp_ok(
                $difference, '<',
                $status[0]->[0] / 100,
                'status: ' . ($index == 1 ? 'avail' : 'used'));
        }

        # A plain umask here; the native one is called under 0037 by PVE::Storage.
        my $number = 300;
        for my $preallocation (undef, qw(off metadata falloc full)) {
            for my $format (qw(raw qcow2)) {
                my @got;
                for my $class ($legacy, $native) {
                    my $umask = umask($class eq $native ? oct('0037') : oct('0022'));
                    my $vmid = ++$number;
                    my %more = defined($preallocation) ? (preallocation => $preallocation) : ();
                    my ($volname) = silently(
                        sub {
                            $class->alloc_image('st', { $config->%*, %more },
                                $vmid, $format, undef, 1025);
                        });
                    umask($umask);
                    my $file = "$path/images/$volname";
                    my @st = stat($file);
                    push @got,
                        [$volname =~ s/$vmid/N/gr, mode($file), mode(dirname($file)), @st[7, 12]];
                    silently(sub { $class->free_image('st', $config, $volname, 0, $format) });
                    push $got[-1]->@*, -e dirname($file) ? 'left' : 'gone';
                }
                is_deeply($got[0], $got[1],
                    'alloc and free: ' . ($preallocation // 'default') . " $format");
            }
        }
        my @bad = (
            [200, 'raw', 'vm-200-xx.qcow2', 1],
            [200, 'raw', 'vm-200-yy', 1],
            [100, 'raw', 'free-form.raw', 1],
            [200, 'raw', 'sub/x.raw', 1],
            [200, 'qcow2', 'vm-200-a.qcow2', 'abc'],
        );
        for my $args (@bad) {
            my @got = map {
                my $class = $_;
                silently(sub { $class->alloc_image('st', $config, $args->@*) })
            } $legacy, $native;
            is($got[0], $got[1], "a refused alloc: $args->[2]");
        }
    };

    subtest 'alloc_image and free_image' => sub {
        my $umask = umask(oct('0022'));
        my $adapts = $legacy->can('volname_for_format');
        my @rows = (
            ['raw', [200, 'raw', undef, 1024], '200/vm-200-disk-0.raw'],
            ['the next number', [200, 'raw', undef, 1025], '200/vm-200-disk-1.raw'],
            ['no number twice', [200, 'qcow2', undef, 1024], '200/vm-200-disk-2.qcow2'],
            ['a given name', [200, 'qcow2', 'vm-200-name.qcow2', 1024], '200/vm-200-name.qcow2'],
            ['a fraction', [200, 'raw', undef, '2048.5'], '200/vm-200-disk-3.raw'],
            [
                'wrong extension',
                [200, 'raw', 'vm-200-x.qcow2', 1],
                $adapts
                ? "died: illegal name vm-200-x.qcow2 - volume name does not match requested format"
                    . " 'raw' (did you mean 'vm-200-x.raw'?)\n"
                : "died: illegal name 'vm-200-x.qcow2' - wrong extension for format"
                    . " ('qcow2 != 'raw')\n"
            ],
            [
                'no extension',
                [200, 'raw', 'vm-200-x', 1],
                $adapts ? '200/vm-200-x.raw'
                : "died: unable to parse volume filename 'vm-200-x'\n"
            ],
            [
                'exists',
                [200, 'raw', 'vm-200-disk-0.raw', 1],
                "died: disk image '$path/images/200/vm-200-disk-0.raw' already exists\n"
            ],
        );
        for my $row (@rows) {
            my ($name, $args, $expected) = $row->@*;
            is((silently(sub { $legacy->alloc_image('st', $scfg, $args->@*) }))[0],
                $expected, $name);
        }
        is(umask(), oct('0022'), 'umask is put back');
        umask($umask);
        is(-s "$path/images/200/vm-200-disk-1.raw", 1025 * 1024, 'the size is in KiB');
        is(mode("$path/images/200/vm-200-disk-0.raw"), '0640', 'the mode of an image');
        is(mode("$path/images/200"), '0740', '... and of its directory');

        like((silently(sub { $legacy->alloc_image('st', $scfg, 205, 'raw', undef, 'x') }))[0],
            qr/^died: unable to create image: /, 'failure');
        ok(!-e "$path/images/205", '... leaves nothing behind');

        my @images = grep { m/^200\// } map { $_->[2] } @rows;
        for my $volname (@images) {
            is_deeply([silently(sub { $legacy->free_image('st', $scfg, $volname, 0, 'raw') })],
                [undef], "free $volname");
            ok(!-e "$path/images/$volname", '... is gone');
        }
        ok(!-e "$path/images/200", 'the directory goes with the last image');
        is_deeply([silently(sub { $legacy->free_image('st', $scfg, $images[0], 0, 'raw') })],
            [undef], 'a missing image');
        like(slurp("$dir/stderr"), qr/disk image '.*' does not exist/, '... is a warning');
        silently(
            sub { $legacy->free_image('st', $scfg, '9000/base-9000-disk-1.raw', 'base-', 'raw') });
        ok(!-e "$path/images/9000/base-9000-disk-1.raw", 'a base image');
        is(
            (silently(sub { $legacy->free_image('st', $scfg, 'bogus') }))[0],
            "died: unable to parse directory volume name 'bogus'\n",
            'bad name'
        );
    };

    subtest 'what it prints' => sub {
        silently(sub { $legacy->list_images('st', plugin_config('legacydir-quiet' => 0)) });
        like(slurp("$dir/stdout"), qr/\ANOTICE: legacydir: found \d+ image files in /, 'a notice');
        silently(sub { $legacy->list_images('st', $scfg) });
        is(slurp("$dir/stdout"), '', 'nothing when it is told to be quiet');
    };
}

subtest 'taint mode' => sub {
    my $script = <<~"END_OF_SCRIPT";
        use PVE::Storage;
        require "$example";
        print $legacy->type, "\\n";
        my \$total = ($legacy->status("st", { path => "/", "legacydir-quiet" => 1 }, {}))[0];
        print \$total > 0 ? "active\\n" : "inactive\\n";
        END_OF_SCRIPT
    my $pid = open(my $out, '-|') // die "$!\n";
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT);
        %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin');
        exec($^X, '-T', (map { "-I$_" } grep { !ref($_) } @INC),
            '-e', 'BEGIN { $ENV{PATH} = "/usr/bin:/bin" } ' . $script)
            or exit(127);
    }
    local $/ = undef;
    is(<$out>, "legacydir\nactive\n", 'loads and runs');
    close($out);
};

done_testing();
