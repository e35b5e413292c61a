package Tenon::Bytes;

use v5.36;

# Perl does not tell octets from characters: PVE writes decoded text as Latin-1 where possible.
sub of ($class, $text) {
    my $octets = "$text";
    utf8::encode($octets) if utf8::is_utf8($octets) && !utf8::downgrade($octets, 1);
    return bless \$octets, $class;
}

sub octets ($self) {
    return $self->$*;
}

1;

__END__

=head1 NAME

Tenon::Bytes - octets that cross as bytes and not as text

=head1 SYNOPSIS

    my $bytes = Tenon::Bytes->of($config);

=head1 METHODS

=head2 of

    my $bytes = Tenon::Bytes->of($octets);

=head2 octets

    my $octets = $bytes->octets;

=cut
