package PVE::Storage;

use v5.36;

# Real subs, known before any plugin is compiled: plugins write them as barewords.
use constant { APIVER => 15, APIAGE => 6 };

use Digest::SHA ();
use Storable ();

use PVE::Exception;
use PVE::INotify;
use PVE::JSONSchema;
use PVE::ProcFSTools;
use PVE::SafeSyslog ();
use PVE::SectionConfig;
use PVE::Storage::Plugin;
use PVE::Tools;

our $ISO_EXT_RE_0 = qr/\.(?:iso|img)/i;
our $VZTMPL_EXT_RE_1 = qr/\.(?|(tar)(?!\.)|tar\.(gz|xz|zst|bz2))/i;
our $iso_extension_re = $ISO_EXT_RE_0;
our $vztmpl_extension_re = $VZTMPL_EXT_RE_1;
our $BACKUP_EXT_RE_2 = qr/\.(tgz|(?:tar|vma)(?:\.(${\PVE::Storage::Plugin::COMPRESSOR_RE}))?)/;

my $config = { ids => {}, order => {}, digest => Digest::SHA::sha1_hex('') };

sub config {
    return Storable::dclone($config);
}

sub set_config {
    my ($new) = @_;

    for my $key (qw(ids order)) {
        die "the storage configuration has no hash '$key'\n" if ref($new->{$key}) ne 'HASH';
    }
    $config = Storable::dclone($new);
    $config->{digest} //= '';
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

1;

__END__

=head1 NAME

PVE::Storage - API versions and the storage configuration on a machine without PVE

=head1 SYNOPSIS

    use PVE::Storage;

    my $level = PVE::Storage::APIVER;
    my $scfg = PVE::Storage::config()->{ids}->{$storeid};

=head1 DESCRIPTION

Part of Tenon's compat layer. Loads the modules that plugins expect to find in memory. Operations on
volumes are not here: a plugin that needs another storage cannot have it from this layer.

=head1 FUNCTIONS

=head2 APIVER, APIAGE

Constants, also callable as class methods.

=head2 config

    my $cfg = PVE::Storage::config();

A copy of C<{ ids => {}, order => {}, digest => '' }>.

=head2 set_config

    PVE::Storage::set_config($cfg);

Not in PVE: the sidecar tells what C<config> answers.

=head2 storage_config

    my $scfg = PVE::Storage::storage_config($cfg, $storeid, $noerr);

=head2 parse_volume_id

    my ($storeid, $volname) = PVE::Storage::parse_volume_id($volid, $noerr);

=cut
