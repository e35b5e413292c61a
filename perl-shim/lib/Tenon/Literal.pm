package Tenon::Literal;

use v5.36;

use B ();
use Scalar::Util qw(blessed reftype);

use constant DEEPEST => 20;

my %ESCAPES = ("\n" => '\n', "\r" => '\r', "\t" => '\t', map { $_ => "\\$_" } qw(" \\ $ @));

# A value as a Perl program writes it, indented by so many steps. Dies with the place of what cannot be written.
sub of ($value, $indent = 0, $place = '') {
    return 'undef' if !defined($value);
    die "$place is nested too deep\n" if $indent > DEEPEST;
    if (blessed($value) && grep { $value->isa($_) }
        qw(JSON::PP::Boolean Types::Serialiser::Boolean)) {
        return $value ? '1' : '0';
    }
    my $type = reftype($value) // return _scalar($value);
    my ($pad, $end) = ('    ' x ($indent + 1), '    ' x $indent);
    if ($type eq 'HASH') {
        my @entries = map {
            $pad . _text($_) . ' => ' . of($value->{$_}, $indent + 1, "$place\->{$_}") . ",\n"
        } sort keys $value->%*;
        return @entries ? join('', "{\n", @entries, "$end}") : '{}';
    } elsif ($type eq 'ARRAY') {
        my @items =
            map { $pad . of($value->[$_], $indent + 1, "$place\->[$_]") . ",\n" } 0 .. $value->$#*;
        return @items ? join('', "[\n", @items, "$end]") : '[]';
    } elsif (ref($value) eq 'Regexp') {
        return 'qr{' . ("$value" =~ s/([{}])/\\$1/gr) . '}' if "$value" =~ m/\A[ -z|~]*\z/;
    } elsif (blessed($value) && overload::Method($value, '""')) {
        return _text("$value");
    }
    my $what = $type eq 'CODE' ? 'code' : "a reference to $type";
    die "$place is $what\n";
}

# A number stays one, since JSON tells it from text.
sub _scalar ($value) {
    my $flags = B::svref_2object(\$value)->FLAGS;
    my $is_number = $flags & (B::SVf_IOK | B::SVf_NOK) && !($flags & B::SVf_POK);
    return "$value" if $is_number && "$value" =~ m/\A-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?\z/;
    return _text($value);
}

sub _text ($text) {
    $text = "$text";
    return "'$text'" if $text =~ m/\A[ !#-\[\]-~]*\z/ && $text !~ m/'/;
    my $format = utf8::is_utf8($text) ? '\x{%x}' : '\x%02x';
    return
          '"'
        . ($text =~ s/(["\\\$\@\n\r\t])|([^ -~])/$1 ? $ESCAPES{$1} : sprintf($format, ord($2))/ger)
        . '"';
}

1;

__END__

=head1 NAME

Tenon::Literal - a value as a Perl program writes it

=head1 SYNOPSIS

    my $source = Tenon::Literal::of({ type => 'integer', minimum => 1 });

=head1 DESCRIPTION

For what a proxy class says of itself, which must be to the type what the plugin says: a number stays a number, and
characters stay characters.

=head1 FUNCTIONS

=head2 of

    my $source = Tenon::Literal::of($value);
    my $source = Tenon::Literal::of($value, $indent, $name);

Booleans become 1 and 0, objects their text. Dies with a sentence that begins with the place below C<$name> where there is
code, a handle or the like.

=cut
