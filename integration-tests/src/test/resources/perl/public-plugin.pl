# Asks a plugin, or the proxy in its place, what a host may ask without changing anything: what it registers, what it makes of
# sections of storage.cfg and of names, and what it says of volumes on a server that nobody answers for. Each answer becomes a
# line of OUT; what the plugin prints stays out of it.

use v5.36;

use JSON::PP;

use PVE::JSONSchema;
use PVE::Storage;
use PVE::Storage::Plugin;
use Tenon::Api;

my ($file, $out, $directory) = @ARGV;
my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->allow_unknown->ascii;
my $api = Tenon::Api->load;
open(my $answers, '>', $out) or die "$out: $!\n";

# A server that refuses, and one that answers only in a name.
my $NOWHERE = '127.0.0.1:9';

my @VOLUMES = qw(
    vm-100-disk-0 vm-100-disk-0.qcow2 vm-100-disk-1.raw base-100-disk-0 base-100-disk-0.qcow2 base-100-disk-0/vm-101-disk-0
    vm-100-cloudinit vm-100-state-suspend vm-999999999-disk-12 subvol-100-disk-0 basevol-100-disk-0
    100/vm-100-disk-0.qcow2 100/vm-100-disk-0.raw 100/base-100-disk-0.raw 100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2
    iso/debian.iso iso/other.img vztmpl/debian.tar.zst backup/vzdump-qemu-100-2024_01_02-03_04_05.vma.zst
    backup/vzdump-lxc-101-2024_01_02-03_04_05.tar.gz snippets/hook.pl import/guest.ova import/disk.qcow2 rootdir/100
    pm-1a2b3c4d_100 pm-1a2b3c4d vm-100-disk-0@snap vm-100 disk 0 vm--disk-0 vm-100-disk-x vm-100-name_with.dots
    snap-100-disk-0 images/vm-100-disk-0 vm-100-disk-0-sp-1.2.3.raw vm-0100-disk-0 VM-100-DISK-0 lun1 0.0.0.scsi-3600 gr\xc3\xbcn
);
my @FEATURES = qw(snapshot clone template copy sparseinit replicate rename unheard-of);
my @FORMATS = qw(raw qcow2 vmdk subvol tar vma);
my @CONTENT = qw(images rootdir iso vztmpl backup snippets import none);

# Without addresses, and without the place of whoever called, which is another process.
sub text ($text) {
    return $text =~ s/\(0x[0-9a-f]+\)/(0x)/gr =~ s{ at \S+\.(?:pm|pl) line [0-9]+}{ at FILE}gr
        =~ s{, <\w+> (?:line|chunk) [0-9]+}{}gr;
}

sub shown ($value, $is_exact) {
    return undef if !defined($value); ## no critic (ProhibitExplicitReturnUndef)
    return { map { $_ => shown($value->{$_}, $is_exact) } keys $value->%* }
        if ref($value) eq 'HASH';
    return [map { shown($_, $is_exact) } $value->@*] if ref($value) eq 'ARRAY';
    return ref($value) eq 'CODE' ? 'CODE' : $is_exact && !ref($value) ? $value : text("$value");
}

sub say_of ($what, $value, $is_exact = 0) {
    say {$answers} "$what = ", $json->encode(shown($value, $is_exact));
    return;
}

# Loading, as PVE does it.
my @warnings;
my $class = 'PVE::Storage::Custom::' . ($file =~ m{(\w+)\.pm\z})[0];
my $is_good = eval {
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    require $file;
    die "$class is no storage plugin\n" if !$class->isa('PVE::Storage::Plugin');
    $class->register;
    PVE::Storage::Plugin->init;
    1;
};
if (!$is_good) {
    say {$answers} 'does not load: ', text($@) =~ s/\n.*//sr;
    exit 0;
}
my $type = $class->type;
my $properties = $class->properties;
my $data = PVE::Storage::Plugin->private;
my $options = $class->options;

say_of('type', $type);
say_of('plugindata', $class->plugindata, 1);
say_of('properties', $properties, 1);
say_of('options', $options, 1);
say_of('shared', [sort @PVE::Storage::Plugin::SHARED_STORAGE]);
say_of('content types', PVE::Storage::Plugin::valid_content_types($type));
say_of('sensitive', [PVE::Storage::Plugin::sensitive_properties($type)]);

if (PVE::Storage::Plugin->can('createSchema')) {
    for my $schema (qw(createSchema updateSchema)) {
        my $made = PVE::Storage::Plugin->$schema;
        say_of("$schema $_", $made->{properties}->{$_}, 1) for sort keys $made->{properties}->%*;
    }
}
say_of('warnings', \@warnings);

# A value that the schema of an option allows, where one can be told.
sub value ($name) {
    my $schema = $data->{propertyList}->{$name} // {};
    my $kind = $schema->{type} // 'string';
    return $schema->{enum}->[0] if $schema->{enum};
    return $schema->{minimum} // 1 if $kind =~ m/\A(?:int|integer|number)\z/;
    return 1 if $kind eq 'boolean';
    return $directory if $name =~ m/path\z|mountpoint/;
    return '4k' if $name eq 'blocksize';
    return "$directory/$name" if $name =~ m/file|log|crt|cert|key/;
    return 'images' if $name eq 'content';
    return 'raw' if $name eq 'format';
    return 'off' if $name eq 'preallocation';
    return 'keep-all=1' if $name eq 'prune-backups';
    return '127.0.0.1'
        if $name
        =~ m/server|host|portal|address|addr|_ip|ip\b|controller|mgmt|endpoint|monhost|vip/;
    return "https://$NOWHERE" if $name =~ m/url/;
    return 'iqn.2024-01.example:target' if $name =~ m/target|iqn|nqn/;
    return '127.0.0.0/8' if $name =~ m/cidr|network/;
    return 'word';
}

my %NEVER = map { $_ => 1 } qw(disable nodes shared type bwlimit content-dirs), 'prune-backups',
    keys((eval { $class->plugindata->{'sensitive-properties'} } // {})->%*);
my @required = grep { !$options->{$_}->{optional} } sort keys $options->%*;
my @all = grep { !$NEVER{$_} || !$options->{$_}->{optional} } sort keys $options->%*;
my %sections = (
    few => { map { $_ => value($_) } @required },
    all => { map { $_ => value($_) } @all },
);
for my $option (sort keys $options->%*) {
    $sections{"with $option"} =
        { $sections{few}->%*, $option => $NEVER{$option} ? 1 : value($option) };
    $sections{"bad $option"} = { $sections{few}->%*, $option => '' };
    my %without = $sections{few}->%*;
    delete $without{$option} and $sections{"without $option"} = \%without;
}
my %scfgs;
for my $name (sort keys %sections) {
    my $section = $sections{$name};
    my $cfg =
        "$type: nas\n" . join('', map { "\t$_ $section->{$_}\n" } sort keys $section->%*) . "\n";
    @warnings = ();
    my $parsed = eval {
        local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
        PVE::Storage::Plugin->can('parse_config')
            ? PVE::Storage::Plugin->parse_config('storage.cfg', $cfg)
            : {
            ids => {
                nas => PVE::Storage::Plugin->lookup($type)
                    ->check_config('nas', { type => $type, $section->%* }, 0, 0) } };
    };
    my $died = $@;
    say_of("section $name",
        $parsed ? [$parsed->{ids}->{nas}, sort map { text($_) } @warnings] : $died);
    my $scfg = $parsed && $parsed->{ids}->{nas};
    $scfgs{$name} = $scfg if $scfg && $name =~ m/\A(?:few|all)\z/;
    say_of("written $name",
        eval { PVE::Storage::Plugin->write_config('storage.cfg', $parsed) } // $@)
        if $parsed;
    for my $create (0, 1) {
        my %given = $section->%*;
        my $checked = eval {
            local $SIG{__WARN__} = sub { };
            $class->check_config('nas', \%given, $create, 1);
        };
        say_of("check_config $name $create", $checked // "died: $@");
    }
}
for my $name (sort keys $properties->%*) {
    for my $value ('', 'word', -1, 0, 1, 7, 'yes', '127.0.0.1', '/a/b', 'a,b', 'x' x 300) {
        my $errors = {};
        PVE::JSONSchema::check_prop($value, $data->{propertyList}->{$name}, $name, $errors)
            if PVE::JSONSchema->can('check_prop');
        say_of("value $name '$value'", $errors);
    }
}

# What a plugin does at its first call in a process belongs to no question.
eval { $class->get_subdir((values %scfgs)[0], 'images') } if %scfgs;

# One question: a method and its parameters by name.
sub ask ($key, $method, %given) {
    return if !$class->can($method);
    my $row = $api->method($method);
    my $host = eval { PVE::Storage::APIVER() } // $api->newest;
    return if $row->{until} && $row->{until} < $host;
    my @args = map { $given{ $_->{name} } } $api->params_at($row, $host)->@*;
    my $is_list = $row->{context} eq 'list';
    my @got = do {
        local $SIG{__WARN__} = sub { };
        $is_list ? eval { $class->$method(@args) } : (scalar(eval { $class->$method(@args) }));
    };
    my $err = $@;
    my $result = $row->{result};
    if ($err) {
        @got = ('died: ' . text("$err"));
    } else {

        # A list that is too short is assigned as if it ended in undef, and a truth is a truth.
        pop @got while $is_list && @got && !defined($got[-1]);
        @got = ($got[0] ? 1 : 0) if ($result->{kind} // '') eq 'bool';
        @got = ([]) if ($result->{shape} // '') eq 'list' && !defined($got[0]);

        # A volume without a format is raw.
        $got[1] = length($got[1] // '') ? $got[1] : 'raw' if $method eq 'volume_size_info';
    }
    say_of("$method $key", \@got, ($result->{kind} // '') eq 'json');
    return;
}

ask("'$_'", 'parse_volname', volname => $_) for @VOLUMES;
ask('', 'volume_snapshot_needs_fsfreeze');
for my $with (sort keys %scfgs) {
    my @where = (scfg => $scfgs{$with}, storeid => 'nas');
    for my $volume (@VOLUMES) {
        my @of = (@where, volname => $volume);
        ask("$with '$volume' $_", 'volume_import_formats', @of, with_snapshots => $_) for 0, 1;
    }
    ask($with, 'get_formats', @where);
    ask("$with $_", 'get_subdir', @where, vtype => $_) for @CONTENT;
    ask("$with $_", 'storage_can_replicate', @where, format => $_) for @FORMATS;

    # What follows may ask the server, and take as long as the plugin waits for one.
    for my $method (qw(status check_connection get_identity)) {
        ask($with, $method, @where, cache => {});
    }
    ask("$with $_->[0]", 'list_images', @where, $_->@[1 .. $_->$#*], cache => {})
        for ['all'], ['guest', vmid => 100], ['named', vollist => ['nas:vm-100-disk-0']];
    ask("$with $_", 'list_volumes', @where, content_types => [$_]) for @CONTENT;
    ask($with, 'find_free_diskname', @where, vmid => 100, fmt => 'raw', add_fmt_suffix => 0);
    for my $volume (@VOLUMES[0 .. 5, 11, 14, 15, 18, 19, 20]) {
        my @of = (@where, volname => $volume);
        for my $snapshot (undef, 'before') {
            my $of_snapshot = "$with '$volume' " . ($snapshot // '');
            my @of_it = (@of, snapname => $snapshot, snapshot => $snapshot);
            ask($of_snapshot, $_, @of_it) for qw(path filesystem_path volume_export_formats);
            ask("$of_snapshot $_", 'volume_has_feature', @of_it, feature => $_) for @FEATURES;
        }
        ask(
            "$with '$volume'", $_, @of,
            cache => {},
            timeout => 5,
            options => {},
            blockers => [],
            snap => 'before'
            )
            for
            qw(volume_size_info volume_snapshot_info volume_rollback_is_possible volume_qemu_snapshot_method),
            qw(qemu_blockdev_options get_import_metadata get_volume_notes volume_snapshot_list);
        ask("$with '$volume' $_", 'get_volume_attribute', @of, attribute => $_)
            for qw(notes protected other);
    }
}
close($answers) or die "$out: $!\n";
