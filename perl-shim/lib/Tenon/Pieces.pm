package Tenon::Pieces;

use v5.36;

use Tenon::Error;
use Tenon::Frame;

# A frame whose payload is longer goes in pieces of at most so many bytes.
use constant LONGEST => 2**18;

my $HEAD = do {
    my $left = '(?:([\x00-\x7f])|\xcc(.)|\xcd(..)|\xce(.{4})|\xcf(.{8}))';
    my $length = '(?:\xc4(.)|\xc5(..)|\xc6(.{4}))';
    qr/\A\x93\x0a$left$length/s;
};

# ---- out

sub needs ($bytes) {
    return length($bytes->$*) > 4 + LONGEST;
}

sub of ($bytes, $at) {
    my $part = substr($bytes->$*, $at, LONGEST);
    my $left = length($bytes->$*) - $at - length($part);
    return
          pack('N', 12 + length($part))
        . "\x93\x0a\xce"
        . pack('N', $left) . "\xc6"
        . pack('N', length($part))
        . $part;
}

# ---- in

sub new ($class) {
    return bless { bytes => '', left => 0 }, $class;
}

sub is_one ($payload) {
    return substr($payload->$*, 0, 2) eq "\x93\x0a";
}

sub has_begun ($self) {
    return length($self->{bytes}) > 0;
}

sub add ($self, $payload) {
    my @head = $payload->$* =~ $HEAD
        or _bad('a piece is no number and bytes');
    my $at = $+[0];
    my $left = _number(@head[0 .. 4]);
    my $length = unpack(defined($head[5]) ? 'C'
        : defined($head[6]) ? 'n'
        : 'N',
        $head[5] // $head[6] // $head[7]);
    _bad("a piece of $length bytes is in a frame of another length")
        if $at + $length != length($payload->$*);
    _bad(     "a piece of $length bytes says that $left of its frame follow, where it is empty or"
            . " $self->{left} were missing")
        if !$length || ($self->has_begun && $left + $length != $self->{left});
    Tenon::Frame::check_length(length($self->{bytes}) + $length + $left);
    $self->{bytes} .= substr($payload->$*, $at);
    $self->{left} = $left;
    return undef if $left; ## no critic (ProhibitExplicitReturnUndef)
    my $whole = $self->{bytes};
    $self->{bytes} = '';
    Tenon::Error->throw('UNEXPECTED_FRAME', 'UNKNOWN', 'a piece, or a hello, came in pieces')
        if $whole =~ m/\A.[\x01\x0a]/s;
    return \$whole;
}

sub _number (@bytes) {
    return ord($bytes[0]) if defined($bytes[0]);
    my @template = ('C', 'C', 'n', 'N', 'Q>');
    my ($width) = grep { defined($bytes[$_]) } 1 .. 4;
    return unpack($template[$width], $bytes[$width]);
}

sub _bad ($message) {
    Tenon::Error->throw('MALFORMED_FRAME', 'UNKNOWN', $message);
    return;
}

1;

__END__

=head1 NAME

Tenon::Pieces - long frames in pieces, so that others can go between

=head1 SYNOPSIS

    my $piece = Tenon::Pieces::of(\$bytes, 4);
    my $payload = $pieces->add(\$payload_of_piece);

=head1 DESCRIPTION

A side whose hello says C<pieces> is sent no frame that is much longer than 2^18 bytes, but pieces of it, and whatever else
is to be said between them. The pieces of one frame follow each other without those of another. F<docs/PROTOCOL.md> tells
more.

=head1 FUNCTIONS

=head2 needs

    my $is_long = Tenon::Pieces::needs(\$bytes);

Whether this frame, with its length field, goes in pieces.

=head2 of

    my $frame = Tenon::Pieces::of(\$bytes, $at);

The piece, as a frame with its length field, that begins at this byte of a long frame with its own; the first is 4, and each
further one C<LONGEST> bytes on.

=head2 is_one

    my $is_piece = Tenon::Pieces::is_one(\$payload);

=head1 METHODS

=head2 new

    my $pieces = Tenon::Pieces->new;

=head2 add

    my $whole = $pieces->add(\$payload);

Takes the payload of a piece. A reference to that of the long frame if this was its last piece, else undef. Throws
C<MALFORMED_FRAME> if it is not the next piece, C<FRAME_TOO_LONG> at the first piece of a frame that is longer than any may
be.

=head2 has_begun

Whether a frame has come in part.

=cut
