use v5.36;
no warnings 'once';

use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

my $real = $ENV{TENON_PVE_LIB};
my @include = map { "-I$_" } (grep { defined($_) } $real), "$FindBin::Bin/../lib",
    "$FindBin::Bin/../compat";

my @modules = qw(
    PVE::Cluster
    PVE::DataCenterConfig
    PVE::Exception
    PVE::INotify
    PVE::JSONSchema
    PVE::Network
    PVE::ProcFSTools
    PVE::RESTEnvironment
    PVE::RPCEnvironment
    PVE::SSHInfo
    PVE::SafeSyslog
    PVE::SectionConfig
    PVE::Storage
    PVE::Storage::Common
    PVE::Storage::Plugin
    PVE::Systemd
    PVE::Tools
);
push @modules, qw(PVE::BackupProvider::Plugin::Base PVE::HA::Config PVE::Storage::PluginBase)
    if !$real;

# What a fresh interpreter prints, on both outputs, and its status.
sub child ($script, @switches) {
    my $pid = open(my $out, '-|') // die "$!\n";
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT);
        $ENV{PATH} = '/usr/sbin:/usr/bin:/sbin:/bin';
        exec($^X, @switches, @include, '-e', $script) or exit(127);
    }
    local $/ = undef;
    my $text = <$out>;
    close($out);
    return ($text // '', $? >> 8);
}

sub caught ($code) {
    my $value = eval { $code->() };
    return $@ ? "died: $@" : $value;
}

subtest 'every module loads alone, silently' => sub {
    for my $module (@modules) {
        for my $switches ($real ? ['-T'] : (['-w'], ['-T', '-w'])) {
            my @got = child("use $module; 1;", $switches->@*);
            is_deeply(\@got, ['', 0], join(' ', 'perl', $switches->@*, $module));
        }
    }
};

subtest 'names that can be imported' => sub {
    my %names = (
        'PVE::Cluster' => [qw(cfs_read_file cfs_write_file cfs_register_file cfs_lock_file)],
        'PVE::Exception' => [qw(raise raise_param_exc raise_perm_exc)],
        'PVE::INotify' => [qw(read_file write_file register_file nodename)],
        'PVE::JSONSchema' => [qw(
                register_standard_option get_standard_option parse_property_string
                print_property_string json_bool get_object_property_schema
            ),
        ],
        'PVE::RESTEnvironment' => ['log_warn'],
        'PVE::Tools' => [qw(
                $IPV4RE $IPV6RE lock_file lock_file_full run_command file_set_contents
                file_get_contents file_read_firstline dir_glob_regex dir_glob_foreach split_list
                template_replace safe_print trim extract_param extract_sensitive_params file_copy
                get_host_arch get_host_dpkg_arch
            ),
            (map { "CLONE_NEW$_" } qw(NS UTS IPC USER PID NET)),
            qw(O_PATH O_CLOEXEC O_TMPFILE AT_EMPTY_PATH AT_FDCWD),
            (map { "RENAME_$_" } qw(NOREPLACE EXCHANGE WHITEOUT)),
            (
                map { "MS_$_" }
                    qw(
                    RDONLY NOSUID NODEV NOEXEC SYNCHRONOUS REMOUNT MANDLOCK DIRSYNC NOSYMFOLLOW
                    NOATIME NODIRATIME BIND MOVE REC
                    ),
            ),
            (map { "RESOLVE_$_" } qw(NO_XDEV NO_MAGICLINKS NO_SYMLINKS BENEATH IN_ROOT CACHED)),
        ],
    );
    for my $module (sort keys %names) {
        my @names = $names{$module}->@*;
        my $checks = join('', map { "print '$_ ' if !defined(&$_);" } grep { !m/^\$/ } @names);
        is_deeply([child("use strict; use $module qw(@names); $checks")], ['', 0], $module);
        no strict 'refs';                 ## no critic (ProhibitNoStrict)
        eval "require $module" or die $@; ## no critic (ProhibitStringyEval)
        is_deeply([sort @{"${module}::EXPORT_OK"}], [sort @names], "$module: no more, no less");
        is_deeply(\@{"${module}::EXPORT"}, [], "$module: nothing by default");
    }
    is_deeply(
        [child('use strict; use PVE::SafeSyslog; print defined(&syslog), defined(&initlog);')],
        ['11', 0], 'PVE::SafeSyslog');
};

subtest 'API version' => sub {
    my @rows = ([
            'barewords',
            'use strict; use PVE::Storage; print PVE::Storage::APIVER - PVE::Storage::APIAGE;', '9'
        ],
        [
            'calls',
            'use strict; use PVE::Storage; print PVE::Storage::APIVER(), PVE::Storage::APIAGE();',
            $real ? '156' : '167'
        ],
        [
            'class methods',
            'use strict; use PVE::Storage;'
                . ' print PVE::Storage->APIVER, PVE::Storage->can("APIVER")->();',
            $real ? '1515' : '1616'
        ],
    );
    for my $row (@rows) {
        my ($name, $script, $expected) = $row->@*;
        is_deeply([child($script)], [$expected, 0], $name);
    }
    my @expected = map { my $file = $_ =~ s{::}{/}gr; "$file.pm" } grep { !m/PluginBase/ } @modules;
    my ($text) = child('use PVE::Storage; print join(" ", keys %INC)');
    my %loaded = map { $_ => 1 } split(/ /, $text);
    is_deeply([grep { !$loaded{$_} } @expected], [], 'loads what plugins expect in memory');
};

require PVE::Storage;

subtest 'configuration' => sub {
    my $cfg = { ids => { a => { type => 'dir', path => '/x' } } };
    my @rows = (
        ['storage_config', sub { PVE::Storage::storage_config($cfg, 'a')->{path} }, '/x'],
        [
            '... of none',
            sub { PVE::Storage::storage_config($cfg, 'b') },
            "died: storage 'b' does not exist\n"
        ],
        ['... of none, without dying', sub { PVE::Storage::storage_config($cfg, 'b', 1) }, undef],
        [
            '... without an id',
            sub { PVE::Storage::storage_config($cfg, undef) },
            "died: no storage ID specified\n"
        ],
        ['an ISO image', sub { scalar('a.ISO' =~ m/$PVE::Storage::ISO_EXT_RE_0$/) }, 1],
        ['a template', sub { join(',', 'a.tar.zst' =~ m/$PVE::Storage::VZTMPL_EXT_RE_1$/) }, 'zst'],
        [
            'a plain template',
            sub { join(',', 'a.tar' =~ m/$PVE::Storage::VZTMPL_EXT_RE_1$/) }, 'tar'
        ],
    );
    for my $row (@rows) {
        my ($name, $code, $expected) = $row->@*;
        is(caught($code), $expected, $name);
    }
    SKIP: {
        skip("PVE's own reads storage.cfg", 4) if $real;
        is_deeply(
            { PVE::Storage::config()->%{qw(ids order)} },
            { ids => {}, order => {} },
            'config is empty'
        );
        PVE::Storage::set_config(
            { ids => { a => { type => 'x' } }, order => { a => 1 }, digest => 'd' });
        PVE::Storage::config()->{ids}->{a}->{type} = 'changed';
        is(PVE::Storage::config()->{ids}->{a}->{type}, 'x', 'each call has a copy');
        is(PVE::Storage::config()->{digest}, 'd', 'digest');
        like(
            caught(sub { PVE::Storage::set_config({}) }),
            qr/\Adied: the storage configuration has no hash 'ids'\n/,
            'a bad one'
        );
    }
};

subtest 'names' => sub {
    my @volids = (
        ['ab:c', 'ab c'],
        ['ab:c:d', 'ab c:d'],
        ['AB:x', 'AB x'],
        (
            map { [$_, "died: unable to parse volume ID '$_'\n"] } 'a:b',
            ':x', 'ab:', 'ab', 'a b:c', '1a:x', 'ab-:c'
        ),
    );
    for my $row (@volids) {
        my ($volid, $expected) = $row->@*;
        is(caught(sub { join(' ', PVE::Storage::parse_volume_id($volid)) }),
            $expected, "parse_volume_id: $volid");
        my $storeid = $expected =~ m/^died/ ? undef : ($expected =~ m/^(\S+)/)[0];
        is(scalar(PVE::Storage::Plugin::parse_volume_id($volid, 1)), $storeid, '... without dying');
    }

    my @names = (
        ['vm-100-disk-0.raw', 'vm-100-disk-0.raw raw '],
        ['base-100-x.qcow2', 'base-100-x.qcow2 qcow2 base-'],
        ['foo.raw', 'foo.raw raw '],
        ['base-foo.vmdk', 'base-foo.vmdk vmdk base-'],
        ['subvol-1-x.subvol', 'subvol-1-x.subvol subvol '],
        ['snap-a.raw', 'snap-a.raw raw '],
        ['a.raw.qcow2', 'a.raw.qcow2 qcow2 '],
        ['snap-a-b.qcow2', "died: 'snap-a-b.qcow2' is a snapshot filename, not a volume!\n"],
        (
            map { [$_, "died: unable to parse volume filename '$_'\n"] } 'x y.raw',
            'a/b.raw', 'x.iso', '.raw', 'raw'
        ),
    );
    for my $row (@names) {
        my ($name, $expected) = $row->@*;
        my $got = caught(
            sub {
                join(' ', map { $_ // '' } PVE::Storage::Plugin::parse_name_dir($name));
            });
        is($got, $expected, "parse_name_dir: $name");
    }
};

subtest 'get_next_vm_diskname' => sub {
    my @names = qw(
        vm-100-disk-0.raw s:100/vm-100-disk-1.qcow2 base-100-disk-2 subvol-100-disk-3.subvol
        vm-1000-disk-4.raw xvm-100-disk-5y vm-100-disk-6.raw.x snap_vm-100-disk-7
    );
    my @rows = (
        ['dir', 'raw', 1, 'vm-100-disk-4.raw'],
        ['dir', 'qcow2', 1, 'vm-100-disk-4.qcow2'],
        ['dir', 'raw', 0, 'vm-100-disk-4'],
        ['dir', 'subvol', 1, 'subvol-100-disk-4.subvol'],
        ['nfs', 'raw', 1, 'vm-100-disk-1.raw'],
        ['nfs', 'qcow2', 1, 'vm-100-disk-0.qcow2'],
        ['nfs', 'raw', 0, 'vm-100-disk-3'],
        ['lvm', undef, 0, 'vm-100-disk-3'],
        ['zfspool', 'subvol', 0, 'subvol-100-disk-4'],
    );
    for my $row (@rows) {
        my ($type, $format, $suffix, $expected) = $row->@*;
        my $got = PVE::Storage::Plugin::get_next_vm_diskname(\@names, 's', 100, $format,
            { type => $type }, $suffix);
        is($got, $expected, join(' ', $type, $format // '-', $suffix));
    }
    my @all = map { "vm-100-disk-$_.raw" } 0 .. 1023;
    is(
        caught(
            sub {
                PVE::Storage::Plugin::get_next_vm_diskname(\@all, 's', 100, 'raw',
                    { type => 'dir' }, 1);
            }
        ),
        "died: unable to allocate an image name for VM 100 in storage 's'\n",
        'no number is left',
    );
};

subtest 'helpers of the base class' => sub {
    pipe(my $reader, my $writer) or die "$!\n";
    PVE::Storage::Plugin::write_common_header($writer, 5_000_000_000);
    is(PVE::Storage::Plugin::read_common_header($reader), 5_000_000_000, 'header');
    close($writer);
    is(
        caught(sub { PVE::Storage::Plugin::read_common_header($reader) }),
        "died: import: no size found in export header, aborting.\n",
        'no header',
    );

    my @modes = (
        [{}, 'raw', 'off'],
        [{}, 'qcow2', 'metadata'],
        [{}, 'vmdk', undef],
        [{ preallocation => 'metadata' }, 'raw', 'off'],
        [{ preallocation => 'full' }, 'raw', 'full'],
        [{ preallocation => 'off' }, 'qcow2', 'off'],
        [
            { preallocation => 'x' },
            'raw', "died: preallocation mode 'x' not supported by format 'raw'\n"
        ],
    );
    for my $row (@modes) {
        my ($scfg, $format, $expected) = $row->@*;
        my $got = caught(sub { PVE::Storage::Plugin::preallocation_cmd_opt($scfg, $format) });
        is($got, $expected, join(' ', 'preallocation', $scfg->{preallocation} // '-', $format));
    }

    is(PVE::Storage::Plugin::get_vtype_subdirs()->{iso}, 'template/iso', 'subdirectories');
    is_deeply([
            map { PVE::Storage::Plugin::is_hint_supported($_) ? 1 : 0 }
                qw(guest-is-windows plugin-may-deactivate-volume x)
        ],
        [1, 1, 0],
        'hints',
    );
    is_deeply([
            PVE::Storage::Plugin->NOTES_EXT, PVE::Storage::Plugin::LOG_EXT(),
            PVE::Storage::Plugin::COMPRESSOR_RE()
        ],
        ['.notes', '.log', 'gz|lzo|zst|bz2'],
        'constants',
    );
    is_deeply(
        [sort @PVE::Storage::Plugin::SHARED_STORAGE],
        [sort qw(iscsi nfs cifs rbd cephfs iscsidirect zfs drbd pbs), $real ? () : 'nvmeof'],
        'shared types',
    );

    my @formats = (
        ['pve-storage-server', '1.2.3.4', 'a/b'],
        ['pve-storage-path', '/x/y', 'x'],
        ['pve-storage-options', 'a,b', 'a b'],
        ['pve-storage-vgname', 'vg0', '../x'],
        ['pve-dir-override', 'iso=foo', 'iso=../foo'],
        ['pve-storage-content', 'images', 'raw'],
        ['pve-storage-format', 'raw', 'images'],
        ['pve-storage-portal-dns', 'host:3260', 'a b'],
    );
    for my $row (@formats) {
        my ($name, $good, $bad) = $row->@*;
        is(caught(sub { PVE::JSONSchema::check_format($name, $good) }),
            $good, "format $name: $good");
        like(caught(sub { PVE::JSONSchema::check_format($name, $bad) }),
            qr/\Adied: /, "format $name: $bad");
    }
    is_deeply(
        PVE::JSONSchema::parse_property_string('prune-backups', 'keep-last=3'),
        { 'keep-last' => 3 },
        'prune-backups'
    );
};

# A plugin class, as short as can be.
sub plugin ($type, %subs) {
    my $package = "PVE::Storage::Custom::$type";
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    @{"${package}::ISA"} = ('PVE::Storage::Plugin');
    *{"${package}::type"} = sub { $type };
    for my $name (keys %subs) {
        my $value = $subs{$name};
        *{"${package}::$name"} = sub { $value };
    }
    return $package;
}

subtest 'registry' => sub {
    my $base = 'PVE::Storage::Plugin';
    my $one = plugin(
        'one',
        properties => { 'one-size' => { type => 'integer' } },
        options => { path => { fixed => 1 }, 'one-size' => { optional => 1 } },
        plugindata => { format => [{ raw => 1 }, 'raw'] },
    );
    $one->register;
    $base->init;
    my $private = $one->private;
    is($base->lookup('one'), $one, 'lookup');
    is(caught(sub { $base->lookup('xx') }), "died: unknown section type 'xx'\n", '... of none');
    ok((grep { $_ eq 'one' } $base->lookup_types->@*), 'lookup_types');
    is_deeply(
        $private->{propertyList}->{'one-size'},
        { type => 'integer', optional => 1 },
        'properties are optional'
    );
    is_deeply($private->{options}->{one}, $one->options, 'options');
    is_deeply($private->{plugindata}->{one}, $one->plugindata, 'plugindata');
    ok((grep { $_ eq 'one' } $private->{propertyList}->{type}->{enum}->@*), 'the type is known');
    like(caught(sub { $one->register }),
        qr/\Adied: duplicate plugin registration \(type = one\)/, 'twice');
    is_deeply(
        [map { scalar(keys $base->$_->%*) } qw(properties options plugindata)],
        [0, 0, 0],
        'the base class has no metadata of its own',
    );
    like(caught(sub { $base->type }), qr/\Adied: overwrite me at /, '... and no type');

    my @core = qw(
        type storage nodes content disable prune-backups max-protected-backups shared subdir format
        preallocation content-dirs options port snapshot-as-volume-chain path mkdir create-base-path
        create-subdirs is_mountpoint bwlimit vgname base saferemove saferemove-stepsize
        saferemove_throughput tagged_only thinpool export server share password domain smbversion
        portal target monhost pool namespace username keyring authsupported krbd data-pool fuse
        fs-name blocksize sparse mountpoint iscsiprovider zfs-base-path nowritecache comstar_tg
        comstar_hg lio_tpg datastore encryption-key fingerprint master-pubkey nocow
        skip-cert-verification
    );
    is_deeply([grep { !$private->{propertyList}->{$_} } @core], [], 'core properties');

    my $undefined = plugin('undefined', options => { 'no-such' => {} });
    $undefined->register;
    like(
        caught(sub { $base->init }),
        qr/\Adied: undefined property 'no-such'/,
        'an option without property'
    );
    delete $private->{plugins}->{undefined};

    my $again = plugin('again',
        properties => { 'one-size' => { type => 'string' }, path => { type => 'string' } });
    $again->register;
    SKIP: {
        skip("PVE's own dies of a property that is declared twice", 1) if $real;
        $base->init;
        is_deeply(
            [map { "$_->{type} $_->{property}" } $private->{duplicates}->@*],
            ['again path', 'one one-size'],
            'a property that is declared twice is tolerated and listed',
        );
    }
    delete $private->{plugins}->{again};
};

subtest 'inherited methods' => sub {
    plan(skip_all => "PVE's own has them built in") if $real;
    my @rows = (
        ['PVE::Storage::Plugin', 'use base "PVE::Storage::Plugin";'],
        ['PVE::Storage::PluginBase', 'use base "PVE::Storage::PluginBase";'],
        ['PVE::Storage::PluginBase, parent', 'use parent "PVE::Storage::PluginBase";'],
    );
    for my $row (@rows) {
        my ($name, $use) = $row->@*;
        my $script =
              "package P; use strict; $use package main;"
            . ' print join(" ", map { P->isa("PVE::Storage::$_") ? 1 : 0 } qw(Plugin PluginBase)),'
            . ' " ", scalar(@PVE::Storage::Plugin::SHARED_STORAGE), " ", P->NOTES_EXT;';
        is_deeply([child($script)], ['1 1 9 .notes', 0], $name);
    }
    is_deeply([
            child(
                      'use PVE::Storage::PluginBase;'
                    . ' print PVE::Storage::PluginBase::get_vtype_subdirs()->{iso}'
            )
        ],
        ['template/iso', 0],
        'plain functions have both names',
    );

    SKIP: {
        skip('there is no method table here', 4)
            if !eval { require Tenon::Api; Tenon::Api->load; 1 };
        my @inherited =
            grep {
            !m/\A(?:api|type|plugindata|properties|options|get_import_metadata|volume_snapshot_list)\z/
            } Tenon::Api->load->method_names;
        is_deeply([grep { !PVE::Storage::Plugin->can($_) } @inherited],
            [], 'every row of the table');
        ok(!PVE::Storage::Plugin->can('api'), 'no api()');

        require Tenon::Base;
        my @calls;
        no warnings 'redefine';
        local *Tenon::Base::call = sub { push @calls, [@_]; return wantarray ? (1, 2, 3) : 'one' };
        my $class = plugin('inheriting');
        my @list = $class->status('id', { path => '/x' }, {});
        my $scalar = $class->get_subdir({ path => '/x' }, 'images');
        PVE::Storage::Plugin::activate_storage($class, 'id', {});
        is_deeply(
            \@calls,
            [
                [$class, 'status', 1, 'id', { path => '/x' }, {}],
                [$class, 'get_subdir', '', { path => '/x' }, 'images'],
                [$class, 'activate_storage', undef, 'id', {}],
            ],
            'class, name, context and arguments reach Tenon::Base',
        );
        is_deeply([$scalar, @list], ['one', 1, 2, 3], '... and its answers come back');
    }
};

subtest 'what is not offered' => sub {
    plan(skip_all => "PVE's own has it") if $real;
    my @stubs = (
        sub { PVE::Tools::template_replace('', {}) },
        sub { PVE::JSONSchema::get_object_property_schema({}) },
        (
            map {
                my $name = $_;
                sub { PVE::INotify->can($name)->('x') }
            } qw(read_file write_file register_file)
        ),
    );
    like(
        caught($_),
        qr/\Adied: PVE::\w+::\w+ is not offered by Tenon's compat layer.*;.*\n\z/,
        'a stub says so'
    ) for @stubs;
    for my $method (qw(parse_config write_config)) {
        next if grep { $_ eq $method } eval { require Tenon::Api; Tenon::Api->load->method_names };
        ok(!PVE::Storage::Plugin->can($method), "no $method");
    }
};

done_testing();
