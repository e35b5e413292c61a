package Tenon::Test::Data;

use v5.36;

use Data::MessagePack ();
use Exporter qw(import);
use JSON::PP ();

use Tenon::Error;

our @EXPORT_OK = qw(error_of errors packed vectors);

sub _json ($name) {
    open(my $fh, '<:raw', Tenon::Error::resource($name)) or die "cannot read $name: $!\n";
    local $/ = undef;
    return JSON::PP->new->utf8->decode(<$fh>);
}

sub errors () {
    return _json('errors.json');
}

# Each with the bytes, and for a good one the frame with octets for text and the packer's booleans.
sub vectors () {
    return map {
        my $vector = $_;
        $vector->{bytes} = pack('H*', $vector->{hex});
        $vector->{frame} = _wire($vector->{frame}) if $vector->{frame};
        $vector;
    } _json('vectors.json')->@*;
}

sub _wire ($json) {
    return $json ? Data::MessagePack::true() : Data::MessagePack::false()
        if JSON::PP::is_bool($json);
    return [map { _wire($_) } $json->@*] if ref($json) eq 'ARRAY';
    if (ref($json) eq 'HASH') {
        return pack('H*', $json->{'$bytes'}) if exists($json->{'$bytes'});
        return { map { $_ => _wire($json->{$_}) } keys $json->%* };
    }
    utf8::encode($json) if utf8::is_utf8($json);
    return $json;
}

# Two values with the same bytes are the same to the far side; numbers and text differ.
sub packed ($value) {
    return unpack('H*', Data::MessagePack->new->utf8->canonical->pack($value));
}

# What the code dies with, undef if it does not.
sub error_of ($code) {
    my $done = eval { $code->(); 1 };
    return $done ? undef : $@; ## no critic (ProhibitExplicitReturnUndef)
}

1;

__END__

=head1 NAME

Tenon::Test::Data - the data files that both languages share, and small helpers for tests

=head1 FUNCTIONS

=head2 error_of

    my $err = error_of(sub { ... });

=head2 errors, vectors

The rows of F<errors.json> and F<vectors.json>.

=head2 packed

    is(packed($got), packed($expected));

The MessagePack bytes of a value in hexadecimal, with the keys of maps sorted.

=cut
