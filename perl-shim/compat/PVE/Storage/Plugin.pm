package PVE::Storage::Plugin;

# The file is long because PVE's base class has this many methods, and plugins inherit them from this one class.

use v5.36;

use base qw(PVE::SectionConfig);

# One class with two names: plain functions, package variables and isa() work with either.
BEGIN {
    *PVE::Storage::PluginBase:: = *PVE::Storage::Plugin::;
}

use Symbol qw(qualify_to_ref);

use File::Path qw(make_path);
use File::stat (); # plugins call it without loading it, as PVE has
use JSON::PP ();

use PVE::Cluster;
use PVE::Exception;
use PVE::INotify;
use PVE::JSONSchema qw(get_standard_option register_standard_option);
use PVE::ProcFSTools;
use PVE::SafeSyslog ();
use PVE::Storage::Common;
use PVE::Tools;

use constant {
    COMPRESSOR_RE => 'gz|lzo|zst|bz2',
    LOG_EXT => '.log',
    NOTES_EXT => '.notes',
};

our @SHARED_STORAGE = qw(iscsi nfs cifs rbd cephfs iscsidirect zfs drbd pbs);

# The announced level is known before this class is compiled.
my ($LEVEL) = (eval { PVE::Storage->can('APIVER')->() } // 0) =~ m/\A([0-9]+)\z/ ? $1 : 0;
push @SHARED_STORAGE, 'nvmeof' if $LEVEL >= 16;

our $MAX_VOLUMES_PER_GUEST = 1024;

# ---- inherited operations

# The Java core answers everything but the identity of a plugin, and calls the plugin's own methods back. PVE's base class
# does not have all methods either; callers ask whether a plugin can.
sub _install_inherited () {
    my $found = eval { require Tenon::Api; 1 };
    if (!$found) {
        die $@ if $@ !~ m{\ACan't locate Tenon/Api\.pm };
        return;
    }
    my $api = Tenon::Api->load;
    for my $method ($api->method_names) {
        my $row = $api->method($method);
        next if $row->{declared} || $row->{answered} || $row->{until};
        next if defined($row->{inherited}) && !$row->{inherited};
        my $slot = qualify_to_ref($method, __PACKAGE__);
        next if defined(*{$slot}{CODE});
        *{$slot} = sub {
            my ($class, @args) = @_;

            require Tenon::Base;
            return Tenon::Base::call($class, $method, wantarray, @args);
        };
    }
    return;
}

_install_inherited();

# ---- names

my %VTYPE_SUBDIRS = (
    backup => 'dump',
    images => 'images',
    import => 'import',
    iso => 'template/iso',
    rootdir => 'private',
    snippets => 'snippets',
    vztmpl => 'template/cache',
);

my $IMAGE_FORMATS = qr/raw|qcow2|vmdk|subvol/;

sub get_vtype_subdirs {
    return {%VTYPE_SUBDIRS};
}

sub parse_volume_id {
    my ($volid, $noerr) = @_;

    if (($volid // '') =~ m/^([a-z][a-z0-9\-_.]*[a-z0-9]):(.+)$/i) {
        return wantarray ? ($1, $2) : $1;
    }
    die "unable to parse volume ID '" . ($volid // '') . "'\n" if !$noerr;
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub parse_name_dir {
    my ($name) = @_;

    if ($name =~ m/^((vm-|base-|subvol-)[0-9]+-[^\/\s]+\.($IMAGE_FORMATS))$/) {
        return ($1, $3, $2 eq 'base-' ? $2 : undef);
    }
    die "'$name' is a snapshot filename, not a volume!\n" if $name =~ m/^snap-.*\.qcow2$/;
    if ($name =~ m/^((base-)?[^\/\s]+\.($IMAGE_FORMATS))$/) {
        return ($1, $3, $2);
    }
    die "unable to parse volume filename '$name'\n";
}

# Core types whose disk numbers are unique over all formats; for others each suffix has its own
# numbers.
my %CORE_TYPES_WITH_SUBVOLS = map { $_ => 1 } qw(btrfs dir zfspool);

# A plain function, not a method.
sub get_next_vm_diskname {
    my ($names, $storeid, $vmid, $format, $scfg, $with_suffix) = @_;

    my $prefix = ($format // '') eq 'subvol' ? 'subvol' : 'vm';
    my $suffix = $with_suffix ? '.' . ($format // '') : '';
    my $taken = qr/(?:vm|base)-\Q$vmid\E-disk-([0-9]+)$suffix/;
    $taken = qr/(?:vm|base|subvol|basevol)-\Q$vmid\E-disk-([0-9]+)/ if _has_subvols($scfg->{type});

    my %used;
    for my $name ($names->@*) {
        $used{ $1 + 0 } = 1 if $name =~ $taken;
    }
    for my $number (0 .. $MAX_VOLUMES_PER_GUEST - 1) {
        return "$prefix-$vmid-disk-$number$suffix" if !$used{$number};
    }
    die "unable to allocate an image name for VM $vmid in storage '$storeid'\n";
}

sub _has_subvols ($type) {
    return 0 if !defined($type);
    my $data = __PACKAGE__->private->{plugindata}->{$type};
    return $CORE_TYPES_WITH_SUBVOLS{$type} if !$data;
    my $formats = ($data->{format} // [])->[0];
    return ref($formats) eq 'HASH' && $formats->{subvol};
}

my %PREALLOCATION = (
    qcow2 => { map { $_ => $_ } qw(off metadata falloc full) },
    raw => { full => 'full', falloc => 'falloc', metadata => 'off', off => 'off' },
);
my %DEFAULT_PREALLOCATION = (qcow2 => 'metadata', raw => 'off');

sub preallocation_cmd_opt {
    my ($scfg, $format) = @_;

    my $modes = $PREALLOCATION{ $format // '' } or return;
    my $wanted = $scfg->{preallocation} // $DEFAULT_PREALLOCATION{$format};
    return $modes->{$wanted}
        // die "preallocation mode '$wanted' not supported by format '$format'\n";
}

# ---- streams

sub write_common_header {
    my ($fh, $size) = @_;

    return syswrite($fh, pack('Q<', $size), 8);
}

sub read_common_header {
    my ($fh) = @_;

    my $bytes = '';
    while (length($bytes) < 8) {
        my $count = sysread($fh, $bytes, 8 - length($bytes), length($bytes));
        die "import: no size found in export header, aborting.\n" if !$count;
    }
    return unpack('Q<', $bytes);
}

# ---- hints

our $hints_properties = {
    'guest-is-windows' => {
        type => 'boolean',
        optional => 1,
        description => 'The guest runs Windows.',
    },
    'plugin-may-deactivate-volume' => {
        type => 'boolean',
        optional => 1,
        description => 'The volume may be deactivated by the plugin: nothing uses it yet.',
    },
};

sub is_hint_supported {
    my ($hint) = @_;

    return defined($hints_properties->{$hint});
}

my $HINTS = { type => 'object', additionalProperties => 0, properties => $hints_properties };

sub verify_hints {
    my ($hints) = @_;

    return if !defined($hints);
    eval { PVE::JSONSchema::validate($hints, $HINTS); 1 }
        or die "internal error - hints are not valid: $@";
    return $hints;
}

# ---- what types declare

my @USUAL_SECRETS = qw(encryption-key keyring master-pubkey password);

sub _plugindata ($type) {
    return __PACKAGE__->private->{plugindata}->{ $type // '' } // {};
}

sub sensitive_properties {
    my ($type) = @_;

    my $declared = _plugindata($type)->{'sensitive-properties'} or return [@USUAL_SECRETS];
    return [sort grep { $declared->{$_} } keys $declared->%*];
}

sub storage_has_feature {
    my ($type, $feature) = @_;

    my $features = _plugindata($type)->{features} or return;
    return $features->{$feature};
}

sub valid_content_types {
    my ($type) = @_;

    return (_plugindata($type)->{content} // [])->[0] // {};
}

sub content_hash_to_string {
    my ($content) = @_;

    return join(',', sort grep { $content->{$_} } keys(($content // {})->%*));
}

# ---- files and locks

my %IMAGE_FORMAT = map { $_ => 1 } qw(raw qcow2 vmdk);

sub file_size_info {
    my ($filename, $timeout, $format, $untrusted) = @_;

    my @stat = stat($filename);
    if (!@stat) {
        warn "failed to stat '$filename'\n";
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }
    if (!defined($format)) {
        warn "file_size_info: detected call without \$file_format parameter\n";
        $format = 'auto-detect';
    }
    my $ctime = $stat[10];
    if (-d _) {
        warn "expected format '$format', but '$filename' is a directory\n"
            if $format ne 'subvol' && $format ne 'auto-detect';
        return wantarray ? (0, 'subvol', 0, undef, $ctime) : 0;
    }
    if ($format ne 'auto-detect' && !$IMAGE_FORMAT{$format}) {
        warn "file_size_info: '$filename': falling back to 'raw' from unknown format '$format'\n";
        $format = 'raw';
    }

    my $wanted = $format eq 'auto-detect' ? undef : $format;
    my $text = PVE::Storage::Common::qemu_img_info($filename, $wanted, $timeout, 0);
    my $info = eval { JSON::PP->new->utf8->decode($text) }
        // die "could not parse qemu-img info command output for '$filename' - $@";
    _check_untrusted($filename, $info) if $untrusted;
    my $size = $info->{'virtual-size'} + 0;
    return $size if !wantarray;
    return ($size, $info->{format}, $info->{'actual-size'}, $info->{'backing-filename'}, $ctime);
}

sub _check_untrusted ($filename, $info) {
    die "backing file not allowed for untrusted image '$filename'!\n"
        if $info->{'backing-filename'};
    my $more = ($info->{'format-specific'} // {})->{data} // {};
    die "data-file references are not allowed for untrusted image '$filename'!\n"
        if $more->{'data-file'};
    my @elsewhere = grep { $_->{filename} ne $filename } ($more->{extents} // [])->@*;
    die "external extents are not allowed for untrusted image '$filename'!\n" if @elsewhere;
    return;
}

sub config_aware_base_mkdir {
    my ($class, $scfg, $path) = @_;

    return 0 if !($scfg->{'create-base-path'} // $scfg->{mkdir} // 1);
    return make_path($path);
}

sub cluster_lock_storage {
    my ($class, $storeid, $shared, $timeout, $func, @params) = @_;

    my $result;
    if ($shared) {
        $result = PVE::Cluster::cfs_lock_storage($storeid, $timeout, $func, @params);
    } else {
        my $file = PVE::Cluster::lock_directory() . "/pve-storage-$storeid";
        $result = PVE::Tools::lock_file($file, $timeout, $func, @params);
    }
    my $err = $@;
    die $err if ref($err) || length($err // '');
    return $result;
}

# ---- formats

my %KEEP = (type => 'integer', minimum => 0, optional => 1);

our $prune_backups_format = {
    'keep-all' => {
        type => 'boolean',
        optional => 1,
        description => 'Keep all backups; excludes the other options.',
    },
    map { ("keep-$_" => { %KEEP, description => "How many backups to keep: $_." }) }
        qw(last hourly daily weekly monthly yearly),
};

sub validate_prune_backups {
    my ($keep) = @_;

    # Limits that are all zero limit nothing.
    my %limits = map { $_ => $keep->{$_} + 0 } grep { $_ ne 'keep-all' } keys $keep->%*;
    return { 'keep-all' => 1 } if !grep { $_ > 0 } values %limits;
    die "keep-all cannot be set together with other options.\n" if $keep->{'keep-all'};
    return \%limits;
}

my %CONTENT_TYPES = map { $_ => 1 } qw(images rootdir vztmpl iso backup snippets import none);

sub _checked ($ok, $value, $noerr, $text) {
    return $value if $ok;
    die "$text\n" if !$noerr;
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub verify_server {
    my ($server, $noerr) = @_;
    my $ok = PVE::JSONSchema::pve_verify_address($server, 1);
    my $text = 'value does not look like a valid server name or IP address';
    return _checked($ok, $server, $noerr, $text);
}

sub verify_portal_dns {
    my ($portal, $noerr) = @_;
    my $host = ($portal // '') =~ s/:[0-9]+\z//r;
    $host =~ s/\A\[(.*)\]\z/$1/;
    my $ok = verify_server($host, 1);
    return _checked($ok, $portal, $noerr, 'value does not look like a valid portal address');
}

sub verify_path {
    my ($path, $noerr) = @_;
    my $ok = ($path // '') =~ m{\A/[^;()]+\z};
    return _checked($ok, $path, $noerr, 'value does not look like a valid absolute path');
}

sub verify_options {
    my ($options, $noerr) = @_;
    my $ok = ($options // '') =~ m/\A\S+\z/;
    return _checked($ok, $options, $noerr, "invalid options '$options'");
}

sub parse_lvm_name {
    my ($name, $noerr) = @_;
    return _checked(0, $name, $noerr, "lvm name '$name' can't be shorter than 2 characters")
        if $LEVEL >= 16 && length($name // '') < 2;
    my $ok = ($name // '') =~ m/\A[a-z0-9][a-z0-9\-_.]*[a-z0-9]\z/i;
    return _checked($ok, $name, $noerr, "lvm name '$name' contains illegal characters");
}

sub verify_dir_override {
    my ($text, $noerr) = @_;
    my $ok =
           ($text // '') =~ m/\A([a-z]+)=[^.]*(?:\.?[^.]+)+\z/
        && $CONTENT_TYPES{$1}
        && length($text) < 1023;
    return _checked($ok, $text, $noerr, "invalid override '$text'");
}

sub verify_content {
    my ($content, $noerr) = @_;
    my $ok = $CONTENT_TYPES{ $content // '' };
    return _checked($ok, $content, $noerr, "invalid content type '$content'");
}

sub verify_format {
    my ($format, $noerr) = @_;
    my $ok = ($format // '') =~ m/\A$IMAGE_FORMATS\z/;
    return _checked($ok, $format, $noerr, "invalid format '$format'");
}

my %FORMATS = (
    'pve-dir-override' => \&verify_dir_override,
    'pve-storage-content' => \&verify_content,
    'pve-storage-format' => \&verify_format,
    'pve-storage-options' => \&verify_options,
    'pve-storage-path' => \&verify_path,
    'pve-storage-portal-dns' => \&verify_portal_dns,
    'pve-storage-server' => \&verify_server,
    'pve-storage-vgname' => \&parse_lvm_name,
    'pve-volume-id' => sub { scalar(parse_volume_id($_[0], $_[1])) },
);
PVE::JSONSchema::register_format($_, $FORMATS{$_}) for sort keys %FORMATS;
PVE::JSONSchema::register_format('prune-backups', $prune_backups_format, \&validate_prune_backups,);

my $PREALLOCATION_OPTION = {
    type => 'string',
    enum => [qw(off metadata falloc full)],
    default => 'metadata',
    optional => 1,
    description => 'How much of a new raw or qcow2 image is allocated at once.',
};
register_standard_option('preallocation', $PREALLOCATION_OPTION);

# ---- properties

# Known to every type. A plugin may name them, and those of the core types below, in its options.
my %BASE_PROPERTIES = (
    'content' => {
        type => 'string',
        format => 'pve-storage-content-list',
        description => 'What may be stored.',
    },
    'content-dirs' => {
        type => 'string',
        format => 'pve-dir-override-list',
        description => 'Other directories for content types.',
    },
    'disable' => { type => 'boolean', description => 'The storage is not used.' },
    'format' => {
        type => 'string',
        enum => [qw(raw qcow2 subvol vmdk)],
        description => 'Format of new images.',
    },
    'max-protected-backups' => {
        type => 'integer',
        minimum => -1,
        description => 'Protected backups for each guest; -1 for no limit.',
    },
    'nodes' => {
        type => 'string',
        format => 'pve-node-list',
        description => 'Nodes that use the storage.',
    },
    'options' => {
        type => 'string',
        format => 'pve-storage-options',
        description => 'Mount options.',
    },
    'port' => {
        type => 'integer',
        minimum => 1,
        maximum => 65535,
        description => 'Port of the server.',
    },
    'preallocation' => get_standard_option('preallocation', { optional => 1 }),
    'prune-backups' => {
        type => 'string',
        format => 'prune-backups',
        description => 'Which backups to keep.',
    },
    'shared' => { type => 'boolean', description => 'All nodes see the same content.' },
    'snapshot-as-volume-chain' => {
        type => 'boolean',
        default => 0,
        description => 'Snapshots are a chain of qcow2 volumes.',
    },
    'storage' => get_standard_option('pve-storage-id'),
    'subdir' => {
        type => 'string',
        format => 'pve-storage-path',
        description => 'Directory to mount.',
    },
    'type' => { type => 'string', description => 'Type of the storage.' },
);

my %CORE_TYPE_PROPERTIES = ((
        map { $_ => { type => 'string' } }
            qw(
            authsupported blocksize comstar_hg comstar_tg data-pool datastore domain encryption-key
            export fingerprint fs-name is_mountpoint iscsiprovider keyring lio_tpg master-pubkey
            monhost mountpoint namespace on-volume-remove password pool saferemove-stepsize
            share smbversion target thinpool username zfs-base-path
            ),
    ),
    (
        map { $_ => { type => 'boolean' } }
            qw(
            create-base-path create-subdirs fuse krbd mkdir nocow nowritecache saferemove
            skip-cert-verification sparse tagged_only
            ),
    ),
    'base' => { type => 'string', format => 'pve-volume-id' },
    'bwlimit' => get_standard_option('bwlimit'),
    'path' => { type => 'string', format => 'pve-storage-path' },
    'portal' => { type => 'string', format => 'pve-storage-portal-dns' },
    'saferemove_throughput' => {
        type => 'string',
        $LEVEL >= 16 ? (pattern => '-?\d+[kmgKMG]?') : (),
    },
    'server' => { type => 'string', format => 'pve-storage-server' },
    'vgname' => { type => 'string', format => 'pve-storage-vgname' },
);

for my $name (keys %BASE_PROPERTIES) {
    $BASE_PROPERTIES{$name}->{optional} = 1 if $name !~ m/\A(?:storage|type)\z/;
}
for my $name (keys %CORE_TYPE_PROPERTIES) {
    $CORE_TYPE_PROPERTIES{$name}->{optional} = 1;
    $CORE_TYPE_PROPERTIES{$name}->{description} //= "Of a storage type of PVE's own.";
}

my $private = { propertyList => { %BASE_PROPERTIES, %CORE_TYPE_PROPERTIES } };

sub private {
    return $private;
}

# ---- sections

sub parse_section_header {
    my ($class, $line) = @_;

    my ($type, $id, $error, $config) = $class->SUPER::parse_section_header($line);
    return undef if !defined($type); ## no critic (ProhibitExplicitReturnUndef)
    $error = eval { PVE::JSONSchema::parse_storage_id($id); 1 } ? undef : $@;
    return ($type, $id, $error, $config);
}

sub decode_value {
    my ($class, $type, $key, $value) = @_;

    return _decode_content($type, $value) if $key eq 'content';
    if ($key eq 'nodes') {
        my @nodes = PVE::Tools::split_list($value);
        PVE::JSONSchema::pve_verify_node_name($_) for @nodes;
        return { map { $_ => 1 } @nodes };
    }
    return { map { split(/=/, $_, 2) } PVE::Tools::split_list($value) } if $key eq 'content-dirs';
    if ($key eq 'format' && !_formats($type)->{$value}) {
        warn "storage does not support format '$value'\n";
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }
    return $value;
}

sub _formats ($type) {
    my $formats = (_plugindata($type)->{format} // [])->[0];
    return ref($formats) eq 'HASH' ? $formats : { raw => 1 };
}

sub _decode_content ($type, $value) {
    my $valid = valid_content_types($type);
    my %content;
    for my $name (PVE::Tools::split_list($value)) {
        if ($valid->{$name}) {
            $content{$name} = 1;
        } else {
            warn "storage does not support content type '$name'\n";
        }
    }
    die "unable to combine 'none' with other content types\n"
        if $content{none} && keys(%content) > 1;
    die "storage does not support content type 'none'\n" if !keys(%content) && !$valid->{none};
    return \%content;
}

sub encode_value {
    my ($class, $type, $key, $value) = @_;

    return content_hash_to_string($value) || 'none' if $key eq 'content';
    return join(',', sort keys $value->%*) if $key eq 'nodes';
    return join(',', map { "$_=$value->{$_}" } sort keys $value->%*) if $key eq 'content-dirs';
    return $value;
}

1;

__END__

=head1 NAME

PVE::Storage::Plugin - the base class of storage plugins on a machine without PVE

=head1 SYNOPSIS

    package PVE::Storage::Custom::MyPlugin;

    use base qw(PVE::Storage::Plugin);

=head1 DESCRIPTION

Part of Tenon's compat layer. The methods that a plugin inherits are those of Tenon's method table;
each goes to L<Tenon::Base>, and with it to the Java core. Without F<Tenon/Api.pm> in C<@INC> they
do not exist.

C<type> dies until a plugin overrides it, C<plugindata>, C<properties> and C<options> are empty, as
in PVE. A method that is neither here nor in the table does not exist.

C<@SHARED_STORAGE>, C<$MAX_VOLUMES_PER_GUEST>, C<$prune_backups_format>, C<$hints_properties>,
C<NOTES_EXT>, C<LOG_EXT> and C<COMPRESSOR_RE> have PVE's values.

=head1 FUNCTIONS

=head2 parse_volume_id

    my ($storeid, $volname) = PVE::Storage::Plugin::parse_volume_id($volid, $noerr);

=head2 parse_name_dir

    my ($name, $format, $is_base) = PVE::Storage::Plugin::parse_name_dir($filename);

=head2 get_next_vm_diskname

    my $name = PVE::Storage::Plugin::get_next_vm_diskname(
        \@names, $storeid, $vmid, $format, $scfg, $with_suffix,
    );

The lowest free number. As in PVE, types with the format subvol number over all formats, and others
for each suffix, with a dot that matches any character.

=head2 file_size_info

    my ($size, $format, $used, $parent, $ctime) =
        PVE::Storage::Plugin::file_size_info($path, $timeout, $format, $untrusted);

Sizes in bytes, by qemu-img; in scalar context the size. The format is passed to qemu-img, unless it is C<auto-detect>. A
missing file warns and is undef, a directory is a subvol of size 0. Dies with qemu-img's words, and if an untrusted image
refers to other files.

=head2 sensitive_properties, storage_has_feature, valid_content_types

    my $names = PVE::Storage::Plugin::sensitive_properties($type);
    my $has = PVE::Storage::Plugin::storage_has_feature($type, 'backup-provider');
    my $types = PVE::Storage::Plugin::valid_content_types($type);

What the type's C<plugindata> declares. A type that does not say which properties are secret has the
usual ones.

=head2 content_hash_to_string, verify_hints, validate_prune_backups

    my $text = PVE::Storage::Plugin::content_hash_to_string($scfg->{content});
    my $hints = PVE::Storage::Plugin::verify_hints($hints);

=head2 get_vtype_subdirs, preallocation_cmd_opt, is_hint_supported

    my $subdirs = PVE::Storage::Plugin::get_vtype_subdirs();
    my $mode = PVE::Storage::Plugin::preallocation_cmd_opt($scfg, 'qcow2');
    my $known = PVE::Storage::Plugin::is_hint_supported('guest-is-windows');

=head2 write_common_header, read_common_header

    PVE::Storage::Plugin::write_common_header($fh, $bytes);
    my $bytes = PVE::Storage::Plugin::read_common_header($fh);

Eight bytes, unsigned and little endian, past Perl's buffers.

=head2 verify_server, parse_lvm_name

    my $value = PVE::Storage::Plugin::verify_server($value, $noerr);

The checks behind the formats C<pve-storage-*>; also C<verify_content>, C<verify_dir_override>,
C<verify_format>, C<verify_options>, C<verify_path> and C<verify_portal_dns>.

=head1 METHODS

=head2 cluster_lock_storage

    my $result = $class->cluster_lock_storage($storeid, $shared, $timeout, $func, @params);

Calls C<$func> in scalar context under the storage's lock: that of L<PVE::Cluster> if the storage is shared, else one of this
machine, which is re-entrant and has no limit for the code. Waits 10 seconds unless told otherwise; dies with what the lock
or the code died with.

=head2 config_aware_base_mkdir

    $class->config_aware_base_mkdir($scfg, $path);

Makes the directory unless C<create-base-path>, or else C<mkdir>, is 0.

=head2 parse_section_header, decode_value, encode_value

As in L<PVE::SectionConfig>, with the storage's id checked, and C<content>, C<nodes> and C<content-dirs> as hashes. Content
types that the type does not have are left out, with a warning; a format that it does not have is undef.

=head2 private

The registry of L<PVE::SectionConfig>. Its C<propertyList> begins with the properties of PVE's base
and of its own types.

=cut
