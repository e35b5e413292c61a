package Tenon::Backup::Dialect;

use v5.36;

use Scalar::Util qw(blessed);

use Tenon::Backup::OfDraft;
use Tenon::Backup::ToDraft;

use constant { DRAFT => 'draft', MERGED => 'merged', BASE => 'PVE::BackupProvider::Plugin::Base' };

# A provider inherits the base class of its host, so only its own methods count.
sub of ($object) {
    return _has_own($object, 'job_hook') || _has_own($object, 'backup_hook') ? DRAFT : MERGED;
}

sub _has_own ($object, $name) {
    my $own = $object->can($name) // return 0;
    my $inherited = BASE->can($name);
    return !$inherited || $own != $inherited;
}

# The base class of the host's providers has the methods that the host calls. One without methods belongs to no host.
sub of_host () {
    return MERGED if !eval { require PVE::BackupProvider::Plugin::Base; 1 };
    return BASE->can('job_hook') && !BASE->can('job_init') ? DRAFT : MERGED;
}

sub fit ($object, $wanted, $storeid) {
    die "the storage '$storeid' gave no backup provider\n" if !blessed($object);
    my $spoken = of($object);
    return $object if $spoken eq $wanted;
    return $wanted eq MERGED
        ? Tenon::Backup::OfDraft->new($object, $storeid)
        : Tenon::Backup::ToDraft->new($object, $storeid);
}

1;

__END__

=head1 NAME

Tenon::Backup::Dialect - the two forms of PVE's backup provider API, each made into the other

=head1 SYNOPSIS

    my $provider = Tenon::Backup::Dialect::fit($object, 'merged', $storeid);

=head1 DESCRIPTION

PVE's API was discussed as a draft (version 5, March 2025) before it was merged (storage API 11). Providers were written for
either. This module tells which one an object speaks without calling it.

=head1 FUNCTIONS

=head2 of

    my $dialect = Tenon::Backup::Dialect::of($object);

C<draft> if the object's own class, and not only the host's base class, has C<job_hook> or C<backup_hook>; else C<merged>.

=head2 of_host

    my $dialect = Tenon::Backup::Dialect::of_host();

What the host calls, by the base class that it has for providers; C<merged> if it has none.

=head2 fit

    my $provider = Tenon::Backup::Dialect::fit($object, $dialect, $storeid);

The object itself, or one around it that has the methods of the other dialect. Dies in one sentence if it is no object.

=cut
