package PVE::Storage;

use v5.36;

# Real subs, known before any plugin is compiled: plugins write them as barewords.
# The table of methods tells up to which version they are known; without it there are none.
use constant OLDEST => 9;
use constant NEWEST => eval { require Tenon::Api; Tenon::Api->load->newest } // OLDEST;

sub _announced_level {
    my $level = $ENV{TENON_API_LEVEL} // '';
    return NEWEST if !length($level);
    if ($level =~ m/\A([0-9]{1,4})\z/ && $1 >= OLDEST && $1 <= NEWEST) {
        return $1 + 0;
    }
    die "TENON_API_LEVEL is '$level'; API versions are " . OLDEST . ' to ' . NEWEST . "\n";
}

use constant APIVER => _announced_level();
use constant APIAGE => APIVER - OLDEST;

use Cwd ();
use Digest::SHA ();
use File::Basename qw(basename);
use POSIX ();
use Time::Local qw(timelocal);

# Plugins call functions of all of these without loading them.
use PVE::BackupProvider::Plugin::Base;
use PVE::Cluster;
use PVE::DataCenterConfig;
use PVE::Exception;
use PVE::HA::Config;
use PVE::INotify;
use PVE::JSONSchema;
use PVE::Network;
use PVE::ProcFSTools;
use PVE::RESTEnvironment;
use PVE::RPCEnvironment;
use PVE::SSHInfo;
use PVE::SafeSyslog ();
use PVE::SectionConfig;
use PVE::Storage::BTRFSPlugin;
use PVE::Storage::CIFSPlugin;
use PVE::Storage::CephFSPlugin;
use PVE::Storage::Common;
use PVE::Storage::DirPlugin;
use PVE::Storage::ESXiPlugin;
use PVE::Storage::ISCSIDirectPlugin;
use PVE::Storage::ISCSIPlugin;
use PVE::Storage::LVMPlugin;
use PVE::Storage::LvmThinPlugin;
use PVE::Storage::NFSPlugin;
use PVE::Storage::PBSPlugin;
use PVE::Storage::Plugin;
use PVE::Storage::RBDPlugin;
use PVE::Storage::ZFSPlugin;
use PVE::Storage::ZFSPoolPlugin;
use PVE::Systemd;
use PVE::Tools;

for my $name (qw(
    BTRFS CIFS CephFS Dir ESXi ISCSIDirect ISCSI LVM LvmThin NFS PBS RBD ZFSPool ZFS
    )
) {
    "PVE::Storage::${name}Plugin"->register;
}
if (eval { require Tenon::Names; 1 } && APIVER >= Tenon::Names::came_with()) {
    Tenon::Names::install();
}

our $ISO_EXT_RE_0 = qr/\.(?:iso|img)/i;
our $VZTMPL_EXT_RE_1 = qr/\.(?|(tar)(?!\.)|tar\.(gz|xz|zst|bz2))/i;
our $iso_extension_re = $ISO_EXT_RE_0;
our $vztmpl_extension_re = $VZTMPL_EXT_RE_1;
our $BACKUP_EXT_RE_2 = qr/\.(tgz|(?:tar|vma)(?:\.(${\PVE::Storage::Plugin::COMPRESSOR_RE}))?)/;

my $config = { ids => {}, order => {}, digest => Digest::SHA::sha1_hex('') };

# A plugin may have put handles and code into a section; the copy shares them.
sub _copy ($value) {
    return { map { $_ => _copy($value->{$_}) } keys $value->%* } if ref($value) eq 'HASH';
    return [map { _copy($_) } $value->@*] if ref($value) eq 'ARRAY';
    return $value;
}

sub config {
    return _copy($config);
}

sub set_config {
    my ($new) = @_;

    for my $key (qw(ids order)) {
        die "the storage configuration has no hash '$key'\n" if ref($new->{$key}) ne 'HASH';
    }
    $config = _copy($new);
    $config->{digest} //= '';
    return;
}

sub set_section {
    my ($storeid, $scfg) = @_;

    $config->{ids}->{$storeid} = $scfg;
    $config->{order}->{$storeid} //= keys($config->{order}->%*) + 1;
    return;
}

sub storage_config {
    my ($cfg, $storeid, $noerr) = @_;

    die "no storage ID specified\n" if !$storeid;
    my $scfg = $cfg->{ids}->{$storeid};
    die "storage '$storeid' does not exist\n" if !$scfg && !$noerr;
    return $scfg;
}

sub parse_volume_id {
    return PVE::Storage::Plugin::parse_volume_id(@_);
}

sub path {
    my ($cfg, $volid, $snapname) = @_;

    my ($storeid, $volname) = parse_volume_id($volid);
    my $scfg = storage_config($cfg, $storeid);
    my @found =
        PVE::Storage::Plugin->lookup($scfg->{type})->path($scfg, $volname, $storeid, $snapname);
    return wantarray ? @found : $found[0];
}

# Below the directory of a kind of content, the names that are volumes of it.
my %IN_DIRECTORY = (
    iso => qr/[^\/]+$ISO_EXT_RE_0/,
    vztmpl => qr/[^\/]+$VZTMPL_EXT_RE_1/,
    backup => qr/[^\/]+$BACKUP_EXT_RE_2/,
    snippets => qr/[^\/]+/,
    import => qr/[a-zA-Z0-9\-.+=_]+\.(?:ova|ovf|qcow2|raw|vmdk)/,
);

sub path_to_volume_id {
    my ($cfg, $path) = @_;

    my $ids = $cfg->{ids};
    my ($named, $volname) = parse_volume_id($path, 1);
    if ($named) {
        my $scfg = $ids->{$named};
        return ('') if !$scfg || !$scfg->{path};
        my ($vtype) = PVE::Storage::Plugin->lookup($scfg->{type})->parse_volname($volname);
        return ($vtype, $path);
    }
    $path = Cwd::abs_path($path) || $path; # a missing file has no other path
    for my $storeid (grep { $ids->{$_}->{path} } sort keys $ids->%*) {
        my @found = _volume_of_path($storeid, $ids->{$storeid}, $path);
        return @found if @found;
    }
    return ('');
}

sub _volume_of_path ($storeid, $scfg, $path) {
    my $plugin = PVE::Storage::Plugin->lookup($scfg->{type});
    my $images = $plugin->get_subdir($scfg, 'images');
    if ($path =~ m{\A\Q$images\E/([0-9]+)/[^/\s]+\z}) {
        for my $image (($plugin->list_images($storeid, $scfg, $1) // [])->@*) {
            my (undef, $volname) = parse_volume_id($image->{volid});
            my ($file) = $plugin->path($scfg, $volname, $storeid);
            return ('images', $image->{volid}) if $file eq $path;
        }
        return;
    }
    for my $vtype (sort keys %IN_DIRECTORY) {
        my $directory = $plugin->get_subdir($scfg, $vtype);
        return ($vtype, "$storeid:$vtype/$1")
            if $path =~ m{\A\Q$directory\E/($IN_DIRECTORY{$vtype})\z};
    }
    return;
}

# ---- backups

my %DECOMPRESSORS = (
    tar => {
        bz2 => ['tar', '--bzip2'],
        gz => ['tar', '-z'],
        lzo => ['tar', '--lzop'],
        zst => ['tar', '--zstd']
    },
    vma => {
        bz2 => ['bzcat', '-q'],
        gz => ['zcat'],
        lzo => ['lzop', '-d', '-c'],
        zst => ['zstd', '-q', '-d', '-c'],
    },
);

# Since pve-storage 9.1.11 tar is given what these write, whatever is packed.
my %PLAIN = (
    bz2 => ['bzcat', '-q', '--'],
    gz => ['zcat', '--'],
    lzo => ['lzop', '-d', '-c', '--'],
    zst => ['zstd', '-q', '-d', '-c', '--'],
);
%DECOMPRESSORS = map { $_ => \%PLAIN } keys %DECOMPRESSORS if APIVER >= 16;

sub archive_info {
    my ($archive) = @_;

    my $name = basename($archive);
    my ($type, $extension, $compression) =
        $name =~ m/\Avzdump-(lxc|openvz|qemu)-.+$BACKUP_EXT_RE_2\z/
        or die "ERROR: couldn't determine archive info from '$archive'\n";
    my ($format) = $extension =~ m/\A(tar|vma)/;
    if ($extension eq 'tgz') {
        ($format, $compression) = ('tar', 'gz');
    }
    my %info = (
        filename => $name,
        type => $type,
        format => $format,
        compression => $compression,
        decompressor => defined($compression) ? $DECOMPRESSORS{$format}->{$compression} : undef,
        is_std_name => 0,
    );
    if ($name
        =~ m/\A(vzdump-\w+-([1-9][0-9]{2,8})-([0-9]{4})_([0-9]{2})_([0-9]{2})-([0-9]{2})_([0-9]{2})_([0-9]{2}))\.\Q$extension\E\z/
    ) {
        my ($stem, $vmid, @time) = ($1, $2, $3, $4 - 1, $5, $6, $7, $8);
        $info{is_std_name} = 1;
        $info{vmid} = $vmid + 0;
        $info{ctime} = timelocal(reverse(@time)); # dies for a day that does not exist
        $info{logfilename} = $stem . PVE::Storage::Plugin::LOG_EXT;
        $info{notesfilename} = $name . PVE::Storage::Plugin::NOTES_EXT;
    }
    return \%info;
}

sub protection_file_path {
    my ($path) = @_;

    return "$path.protected";
}

# What groups backups; the newest of each group is kept.
my @PERIODS = (
    ['keep-last', undef],
    ['keep-hourly', '%Y-%m-%d %H'],
    ['keep-daily', '%Y-%m-%d'],
    ['keep-weekly', '%G-%V'],
    ['keep-monthly', '%Y-%m'],
    ['keep-yearly', '%Y'],
);

sub prune_mark_backup_group {
    my ($backups, $keep) = @_;

    my @newest_first = sort { $b->{ctime} <=> $a->{ctime} } $backups->@*;
    my $has_limit = grep { $keep->{ $_->[0] } } @PERIODS;
    if ($keep->{'keep-all'} || !$has_limit) {
        $_->{mark} = 'keep' for grep { ($_->{mark} || 'remove') eq 'remove' } @newest_first;
        return;
    }
    for my $period (@PERIODS) {
        my ($option, $pattern) = $period->@*;
        _mark_period(\@newest_first, $keep->{$option}, $pattern) if $keep->{$option};
    }
    $_->{mark} //= 'remove' for @newest_first;
    return;
}

sub _mark_period ($newest_first, $count, $pattern) {
    my $group_of = sub ($backup) {
        return $backup->{ctime} if !defined($pattern);
        return POSIX::strftime($pattern, localtime($backup->{ctime}));
    };
    my (%before, %seen);
    for my $backup (grep { ($_->{mark} // '') eq 'keep' } $newest_first->@*) {
        $before{ $group_of->($backup) } = 1;
    }
    for my $backup (grep { !defined($_->{mark}) } $newest_first->@*) {
        my $group = $group_of->($backup);
        next if $before{$group};
        if (!$seen{$group}) {
            last if keys(%seen) >= $count;
            $seen{$group} = 1;
            $backup->{mark} = 'keep';
        } else {
            $backup->{mark} = 'remove';
        }
    }
    return;
}

1;

__END__

=head1 NAME

PVE::Storage - API versions and the storage configuration on a machine without PVE

=head1 SYNOPSIS

    use PVE::Storage;

    my $level = PVE::Storage::APIVER;
    my $scfg = PVE::Storage::config()->{ids}->{$storeid};

=head1 DESCRIPTION

Part of Tenon's compat layer. Loads the modules that plugins expect to find in memory, and registers
the types of PVE's own, by name only. Operations on volumes are not here.

=head1 FUNCTIONS

=head2 APIVER, APIAGE

Constants, also callable as class methods. The environment variable C<TENON_API_LEVEL>, 9 to 16,
announces another version to the plugins of this process, with the same oldest one.

=head2 config

    my $cfg = PVE::Storage::config();

A copy of C<{ ids => {}, order => {}, digest => '' }>.

=head2 set_config

    PVE::Storage::set_config($cfg);

Not in PVE: the sidecar tells what C<config> answers.

=head2 set_section

    PVE::Storage::set_section($storeid, $scfg);

Not in PVE: the section that is now in use.

=head2 storage_config

    my $scfg = PVE::Storage::storage_config($cfg, $storeid, $noerr);

=head2 parse_volume_id

    my ($storeid, $volname) = PVE::Storage::parse_volume_id($volid, $noerr);

=head2 path

    my ($path, $owner, $vtype) = PVE::Storage::path($cfg, $volid, $snapname);

Asks the class of the storage's type.

=head2 path_to_volume_id

    my ($vtype, $volid) = PVE::Storage::path_to_volume_id($cfg, $path);

The volume of a storage with a C<path> that is the file C<$path>; a volume id stays as it is. Its kind is empty if there is
none. The plugins of the storages tell where their directories are, and which images they have.

=head2 archive_info

    my $info = PVE::Storage::archive_info($volname);

What the name of a backup tells, as a hash with C<type>, C<format>, C<compression>, C<decompressor>, C<filename> and
C<is_std_name>, and for a standard name C<vmid>, C<ctime>, C<logfilename> and C<notesfilename>. Dies for any other name, and
for a time that does not exist. The C<decompressor> is that of the announced version: since 16 (pve-storage 9.1.11) a tar
archive is unpacked by the program of its compression, before by C<tar> itself.

=head2 prune_mark_backup_group

    PVE::Storage::prune_mark_backup_group(\@backups, \%keep);

Marks each backup without a C<mark> as C<keep> or C<remove>, by its C<ctime>. Who keeps all also keeps what was marked as
C<remove>.

=head2 protection_file_path

    my $file = PVE::Storage::protection_file_path($path);

=cut
