package Tenon::Frame;

use v5.36;

use B ();
use Data::MessagePack ();

use Tenon::Error;

use constant {
    HELLO => 1,
    REQUEST => 2,
    RESPONSE => 3,
    FAILURE => 4,
    NOTIFY => 5,
    CANCEL => 6,
    PING => 7,
    PONG => 8,
    CLOSE => 9,
    PIECE => 10,
};

use constant PACKED => 'Tenon::Frame::Packed';

use constant {
    MAX_FRAME => 2**24 - 1,
    MAX_DEPTH => 16,
    MAX_INTEGER => 9223372036854775807,
    MAX_TEXT => 2**22,
    MAX_ELEMENTS => 2**20,
};

# By kind: the number of elements, then what each is.
my %SHAPE = (
    HELLO, ['map'], REQUEST, ['id', 'text', 'map', 'map'],
    RESPONSE, ['id', 'any'], FAILURE, ['id', 'map'],
    NOTIFY, ['text', 'map'], CANCEL, ['id'],
    PING, ['id'], PONG, ['id'],
    CLOSE, ['text', 'text'], PIECE, ['id', 'bytes'],
);

# Text is octets on this side of the packer (see Tenon::Schema), so "utf8" only chooses the str format.
my $TEXT = Data::MessagePack->new->utf8;
my $OCTETS = Data::MessagePack->new;

sub encode ($frame, $canonical = 0, $has_bytes = 0) {
    my $packer = $canonical ? Data::MessagePack->new->utf8->canonical : $TEXT;
    my ($kind, @rest) = $frame->@*;
    return _framed(_packed([$kind + 0, $rest[0] + 0, @rest[1 .. $#rest]])) if $has_bytes;

    # A constant or number that was printed once would be packed as text.
    $rest[0] += 0 if $SHAPE{$kind}->[0] eq 'id';
    return _framed("\x93\x0a" . $packer->pack($rest[0]) . $OCTETS->pack($rest[1]))
        if $kind == PIECE;
    return _framed($packer->pack([$kind + 0, @rest])) if ref($rest[-1]) ne PACKED;
    my $packed = pop @rest;
    return _framed(substr($packer->pack([$kind + 0, @rest, undef]), 0, -1) . $packed->$*);
}

# A value that has been packed already goes as it is, as the last of a frame.
sub packed ($bytes) {
    return bless \$bytes, PACKED;
}

sub packed_value ($value) {
    return $TEXT->pack($value);
}

# Of bytes that have been looked through.
sub unpacked ($bytes) {
    return $OCTETS->unpack($bytes);
}

# Text in it becomes what it is in a frame.
sub settle ($value) {
    _to_octets($value);
    return $value;
}

# The packer takes all octets of a frame for text or none, so a frame that has both is packed by hand around the bytes.
sub _packed ($value) {
    return $OCTETS->pack($value->octets) if ref($value) eq 'Tenon::Bytes';
    if (ref($value) eq 'ARRAY' && $value->@* < 16) {
        return pack('C', 0x90 | $value->@*) . join('', map { _packed($_) } $value->@*);
    } elsif (ref($value) eq 'HASH' && keys($value->%*) < 16) {
        return
            pack('C', 0x80 | keys($value->%*))
            . join('', map { ($TEXT->pack("$_"), _packed($value->{$_})) } sort keys $value->%*);
    }
    return $TEXT->pack($value);
}

# A failure is packed by hand, since the die text travels as bytes and everything else as text.
sub encode_failure ($id, $err) {
    my %text = (
        message => $err->message,
        name => $err->name,
        origin => $err->origin,
        outcome => $err->outcome,
    );
    my @pairs = ('code', $TEXT->pack(Tenon::Error::code_of($err->name)));
    if (defined(my $die = $err->die_text)) {
        my $characters = utf8::is_utf8($die);
        utf8::encode($die) if $characters;
        push @pairs, 'die', $OCTETS->pack($die);
        push @pairs, 'die_characters',
            $TEXT->pack($characters ? Data::MessagePack::true() : Data::MessagePack::false());
    }
    push @pairs, 'exception', $TEXT->pack($err->exception) if defined($err->exception);
    push @pairs, 'changed', $TEXT->pack($err->changed) if $err->changed;
    for my $key (sort keys %text) {
        push @pairs, $key, $TEXT->pack(printable($text{$key}));
    }
    my $map = pack('C', 0x80 | (@pairs / 2));
    while (my ($key, $packed) = splice(@pairs, 0, 2)) {
        $map .= $TEXT->pack($key) . $packed;
    }
    return _framed("\x93" . $TEXT->pack(FAILURE + 0) . $TEXT->pack($id) . $map);
}

# A message may quote bytes of a plugin; the far side drops the connection if text is not UTF-8.
sub printable ($text) {
    my $octets = "$text";
    utf8::encode($octets) if utf8::is_utf8($octets);
    return is_utf8($octets) ? $octets : $octets =~ s/[^\x00-\x7f]/?/gr;
}

# Stricter than Perl, which takes surrogates and numbers beyond Unicode for characters.
sub is_utf8 ($octets) {
    return 1 if $octets !~ m/[^\x00-\x7f]/;
    return utf8::decode($octets) && $octets !~ m/[\x{d800}-\x{dfff}]|[^\x{0}-\x{10ffff}]/;
}

sub _framed ($payload) {
    check_length(length($payload));
    return pack('N', length($payload)) . $payload;
}

sub check_length ($length) {
    _bad('FRAME_TOO_LONG',
        "a frame of $length bytes is longer than the limit of " . MAX_FRAME . ' bytes')
        if $length > MAX_FRAME;
    _bad('MALFORMED_FRAME', "a frame of length $length holds nothing") if $length < 1;
    return;
}

sub decode ($payload) {
    check_length(length($payload));

    # The packer reserves what a 32 bit count claims; such counts are walked by hand before.
    my $is_ascii = _skim($payload);

    my $frame = eval {
        no warnings 'uninitialized'
            ; # for a map with a nil key, which the check below refuses or nobody looks up
        $OCTETS->unpack($payload);
    };
    if (my $err = $@) {
        _walk($payload);
        chomp($err);
        _bad('MALFORMED_FRAME', 'a frame of ' . length($payload) . " bytes cannot be read: $err");
    }
    _check($frame);
    _to_octets($frame) if !$is_ascii;
    return $frame;
}

# The simple cases: numbers, short counts, text that is ASCII and short.
my $TOKEN = do {
    my $ascii = '[\x00-\x7f]';
    my $fixed = join('|', map { sprintf('\x%02x%s{%d}', 0xa0 + $_, $ascii, $_) } 1 .. 31);
    my $short = join('|', map { sprintf('\xd9\x%02x%s{%d}', $_, $ascii, $_) } 0 .. 255);
qr/[\x00-\xa0\xc0\xc2\xc3\xe0-\xff]|$fixed|$short|[\xcc\xd0].|[\xcd\xd1\xdc\xde]..|[\xca\xce\xd2].{4}|[\xcb\xcf\xd3].{8}/s;
};

# Whether all text is ASCII. Walks what claims a 32 bit count.
sub _skim ($payload) {
    pos($payload) = 0;
    while (pos($payload) < length($payload)) {
        next if $payload =~ m/\G(?>$TOKEN){1,30000}+/gc;

        # Longer text, or something that the packer cannot read either.
        next if $payload =~ m/\G\xda(..)/gcs && _skip_ascii(\$payload, unpack('n', $1));
        _walk($payload) if $payload =~ m{[\xdd\xdf]};
        return $payload !~ m/[\xc2-\xf4][\x80-\xbf]/;
    }
    return 1;
}

sub _skip_ascii ($payload, $length) {
    my $at = pos($payload->$*);
    return 0
        if substr($payload->$*, $at, $length) =~ m/[^\x00-\x7f]/
        || $at + $length > length($payload->$*);
    pos($payload->$*) = $at + $length;
    return 1;
}

# The packer makes characters of text that is UTF-8. Names in Perl are octets; the two together would be garbled.
sub _to_octets ($node) {
    for my $child (ref($node) eq 'HASH' ? values $node->%* : $node->@*) {
        if (ref($child) eq 'HASH' || ref($child) eq 'ARRAY') {
            _to_octets($child);
        } elsif (utf8::is_utf8($child)) {
            utf8::encode($child);
        }
    }
    return if ref($node) ne 'HASH';
    for my $key (grep { utf8::is_utf8($_) } keys $node->%*) {
        utf8::encode(my $octets = $key);
        $node->{$octets} = delete $node->{$key};
    }
    return;
}

sub _check ($frame) {
    _bad('MALFORMED_FRAME', 'a frame is no list that begins with a kind')
        if ref($frame) ne 'ARRAY' || !_is_integer(\$frame->[0]);
    my $kind = $frame->[0];
    my $shape = $SHAPE{$kind} // _bad('MALFORMED_FRAME', "a frame is of the unknown kind $kind");
    _bad(
        'MALFORMED_FRAME',
        "a frame of kind $kind has "
            . scalar($frame->@*)
            . ' elements, where '
            . (1 + $shape->@*)
            . ' belong',
    ) if $frame->@* != 1 + $shape->@*;
    for my $i (0 .. $shape->$#*) {
        my ($wanted, $got) = ($shape->[$i], \$frame->[$i + 1]);
        my $good =
              $wanted eq 'map' ? ref($got->$*) eq 'HASH'
            : $wanted eq 'id' ? _is_integer($got)
            : $wanted eq 'text' || $wanted eq 'bytes' ? _is_text($got)
            : 1;
        _bad('MALFORMED_FRAME', "a frame of kind $kind has no $wanted where one belongs") if !$good;
    }
    return;
}

# What the packer read shows in the flags of the scalar; looking at it as text would change them.
sub _is_integer ($value) {
    my $flags = B::svref_2object($value)->FLAGS;
    return
           ($flags & B::SVf_IOK)
        && !($flags & B::SVf_POK)
        && $value->$* >= 0
        && $value->$* <= MAX_INTEGER;
}

sub _is_text ($value) {
    return B::svref_2object($value)->FLAGS & B::SVf_POK;
}

# By first byte: what it is, how many bytes its length or value has, or the count itself.
my @HEADER;
$HEADER[$_] = ['value', 0] for 0x00 .. 0x7f, 0xc0, 0xc2, 0xc3, 0xe0 .. 0xff;
$HEADER[$_] = ['map', 0, $_ & 0x0f] for 0x80 .. 0x8f;
$HEADER[$_] = ['list', 0, $_ & 0x0f] for 0x90 .. 0x9f;
$HEADER[$_] = ['text', 0, $_ & 0x1f] for 0xa0 .. 0xbf;
@HEADER[0xc4 .. 0xc6] = (['text', 1], ['text', 2], ['text', 4]);
$HEADER[$_] = ['extension', 0] for 0xc7 .. 0xc9, 0xd4 .. 0xd8;
@HEADER[0xca .. 0xd3] = map { ['value', $_] } 4, 8, 1, 2, 4, 8, 1, 2, 4, 8;
@HEADER[0xd9 .. 0xdb] = (['text', 1], ['text', 2], ['text', 4]);
@HEADER[0xdc, 0xdd] = (['list', 2], ['list', 4]);
@HEADER[0xde, 0xdf] = (['map', 2], ['map', 4]);

sub _walk ($payload) {
    my $length = length($payload);
    my $at = end_of(\$payload, 0, 1);
    _bad('MALFORMED_FRAME', 'a frame has ' . ($length - $at) . ' bytes after its end')
        if $at < $length;
    return;
}

# Where the value that begins here ends; its depth in the frame is given.
sub end_of ($payload, $at, $depth) {
    my $length = length($payload->$*);
    my @open = ((0) x ($depth - 1), 1);
    while (@open) {
        if ($open[-1]-- == 0) {
            pop @open;
            next;
        }
        my $first = $at < $length ? vec($payload->$*, $at++, 8) : _cut($length);
        my $header = $HEADER[$first]
            // _bad('MALFORMED_FRAME', 'a frame holds a byte that begins no value');
        my ($what, $bytes, $count) = $header->@*;
        _bad('MALFORMED_FRAME', 'a frame holds an extension type, which Perl cannot read')
            if $what eq 'extension';
        _cut($length) if $at + $bytes > $length;
        if ($what ne 'value' && $bytes) {
            $count = unpack($bytes == 1 ? 'C' : $bytes == 2 ? 'n' : 'N',
                substr($payload->$*, $at, $bytes));
        }
        $at += $bytes;
        next if $what eq 'value';

        my $left = $length - $at;
        if ($what eq 'text') {
            _bad('MALFORMED_FRAME', "a frame claims a text of $count bytes and has only $left left")
                if $count > $left;
            _bad('FRAME_TOO_LONG',
                "a text of $count bytes is longer than the limit of " . MAX_TEXT . ' bytes')
                if $count > MAX_TEXT;
            $at += $count;
            next;
        }
        _bad('TOO_DEEP', 'a frame nests values deeper than the limit of ' . MAX_DEPTH)
            if @open > MAX_DEPTH;
        _bad('TOO_MANY_ELEMENTS', "a frame claims $count elements and the limit is " . MAX_ELEMENTS)
            if $count > MAX_ELEMENTS;
        $count *= 2 if $what eq 'map';
        _bad('TOO_MANY_ELEMENTS',
            "a frame claims $count elements and has only $left bytes left for them")
            if $count > $left;
        push @open, $count;
    }
    return $at;
}

sub _cut ($length) {
    _bad('MALFORMED_FRAME', "a frame of $length bytes ends inside a value");
    return;
}

sub _bad ($name, $message) {
    Tenon::Error->throw($name, 'UNKNOWN', $message);
    return;
}

1;

__END__

=head1 NAME

Tenon::Frame - frames to bytes and back

=head1 SYNOPSIS

    my $bytes = Tenon::Frame::encode([Tenon::Frame::PING, 7]);
    my $frame = Tenon::Frame::decode(substr($bytes, 4));

=head1 DESCRIPTION

A frame is four bytes of length, big endian, then that many bytes of MessagePack which hold one list: the kind, then
what belongs to the kind. F<docs/PROTOCOL.md> tells all of it.

=head1 FUNCTIONS

=head2 check_length

    Tenon::Frame::check_length($length);

Throws C<FRAME_TOO_LONG> or C<MALFORMED_FRAME> for a length that no frame may have.

=head2 packed

    my $value = Tenon::Frame::packed($bytes);

A value that is packed already, for C<encode>, as the last element of a frame.

=head2 packed_value

    my $bytes = Tenon::Frame::packed_value($value);

One value as bytes.

=head2 unpacked

    my $value = Tenon::Frame::unpacked($bytes);

The value of bytes whose counts and lengths have been checked, and whose text is ASCII.

=head2 settle

    Tenon::Frame::settle($unpacked);

Turns text that is not ASCII in an unpacked map or list into octets.

=head2 end_of

    my $end = Tenon::Frame::end_of(\$payload, $at, $depth);

Where the value that begins there ends; the depth is its depth in the frame. Throws what C<decode> throws.

=head2 decode

    my $frame = Tenon::Frame::decode($payload);

The list of a payload without its length field. Text comes as octets. Throws the name of the rule that the bytes break.

=head2 encode

    my $bytes = Tenon::Frame::encode(\@frame, $canonical);

The frame with its length field. With C<$canonical> the keys of maps are sorted, so that the bytes can be compared.

=head2 encode_failure

    my $bytes = Tenon::Frame::encode_failure($id, $error);

The frame that answers call C<$id> with a L<Tenon::Error>. Bytes of its message that are no UTF-8 become question marks;
those of the die text stay.

=head2 printable

    my $octets = Tenon::Frame::printable($text);

The same text as octets that may cross. If it is not UTF-8, every byte beyond ASCII becomes a question mark.

=head2 is_utf8

    my $good = Tenon::Frame::is_utf8($octets);

Whether these bytes may cross as text.

=cut
