package Tenon::Disks;

use v5.36;

use Scalar::Util qw(reftype);

use Tenon::Callback;
use Tenon::Descriptors;
use Tenon::Error;

# A disk may have more than a million regions, each of which the host makes by reading a line.
use constant AT_ONCE => 512;

my @TEXTS = qw(bitmap-mode nbd-path bitmap-name);

sub to_wire ($volumes) {
    _bad('the disks must be a hash reference') if (reftype($volumes) // '') ne 'HASH';
    return { map { _octets($_) => _disk_to_wire($_, $volumes->{$_}) } sort keys $volumes->%* };
}

sub _disk_to_wire ($device, $disk) {
    _bad("the disk '$device' must be a hash reference") if (reftype($disk) // '') ne 'HASH';
    my ($size) = ($disk->{size} // '') =~ m/\A([0-9]{1,18})\z/
        or _bad("the disk '$device' has no size");
    my %wire = (size => 0 + $size);
    $wire{$_} = _octets($disk->{$_}) for grep { defined($disk->{$_}) } @TEXTS;
    return \%wire if !defined($disk->{'file-handle'});
    my $next = $disk->{'next-dirty-region'};
    _bad("the disk '$device' has no function for its dirty regions")
        if (reftype($next) // '') ne 'CODE';
    $wire{'file-handle'} = Tenon::Descriptors::token_of($disk->{'file-handle'});
    $wire{'next-dirty-region'} = Tenon::Callback::id_of(
        sub (@) {
            my @numbers;
            while (@numbers < 2 * AT_ONCE) {
                my ($offset, $length) = $next->();
                last if !defined($offset) || !defined($length);
                push @numbers, $offset, $length;
            }
            return \@numbers;
        },
    );
    return \%wire;
}

sub from_wire ($wire) {
    _bad('the disks must be a map') if ref($wire) ne 'HASH';
    return { map { $_ => _disk_from_wire($wire->{$_}) } keys $wire->%* };
}

# The keys are there with undef where PVE has them so.
sub _disk_from_wire ($wire) {
    my $disk = { size => $wire->{size}, 'bitmap-mode' => $wire->{'bitmap-mode'} };
    if (!defined($wire->{'file-handle'})) {
        $disk->@{qw(nbd-path bitmap-name)} = $wire->@{qw(nbd-path bitmap-name)};
        return $disk;
    }
    $disk->{'file-handle'} = Tenon::Descriptors::handle_of($wire->{'file-handle'}, 'both');
    my ($function, $is_over, @told) = ($wire->{'next-dirty-region'});
    $disk->{'next-dirty-region'} = sub {
        @told = Tenon::Base::callback($function)->@* if !@told && !$is_over;
        $is_over = 1 if !@told;
        return splice(@told, 0, 2);
    };
    return $disk;
}

sub _octets ($text) {
    my $octets = "$text";
    utf8::encode($octets) if utf8::is_utf8($octets);
    return $octets;
}

sub _bad ($message) {
    Tenon::Error->throw('BAD_PARAMETER', 'NOT_STARTED', $message);
    return;
}

1;

__END__

=head1 NAME

Tenon::Disks - the disks of a VM that is backed up, as they cross

=head1 DESCRIPTION

A disk is a hash of C<size> and C<bitmap-mode>, and of C<nbd-path> and C<bitmap-name>, or of C<file-handle> and
C<next-dirty-region>. An open file crosses as a descriptor, and the function that tells its regions as a number; many regions
come at a time.

=head1 FUNCTIONS

=head2 to_wire

    my $wire = Tenon::Disks::to_wire(\%volumes);

=head2 from_wire

    my $volumes = Tenon::Disks::from_wire($wire);

=cut
