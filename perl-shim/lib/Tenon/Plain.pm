package Tenon::Plain;

use v5.36;

use Data::MessagePack ();

# Text that is as long is looked at by others.
use constant LONG_TEXT => 1000;

our ($TRUE, $FALSE) = (Data::MessagePack::true(), Data::MessagePack::false());

sub _nothing () {
    return sub ($values) { return }
}

# The table lies beside the modules, so under -T it may be trusted as they are.
sub _code ($source) {
    my ($trusted) = $source =~ m/\A(.*)\z/s;
    return eval $trusted || die $@; ## no critic (ProhibitStringyEval)
}

# The condition for a value that may be missing.
sub _if ($field, $variable, $condition) {
    return $field->{nullable}
        ? "(!defined($variable) || $condition)"
        : "(defined($variable) && $condition)";
}

sub params ($params) {
    my (@conditions, @count, @args);
    for my $param ($params->@*) {
        my $v = '$v' . @args;
        my $is_number = $param->{plain_digits};
        my $condition =
              $param->{plain_map} ? "ref($v) eq 'HASH'"
            : $param->{plain_text} ? "!ref($v) && !($v =~ tr/ -~//c)"
            : $is_number ? "!ref($v) && length($v) && !($v =~ tr/0-9//c)"
            : return _nothing();
        push @conditions, _if($param, $v, $condition);
        push @count, $param->{nullable} ? "exists(\$wire->{$param->{name}})" : 1;
        push @args,
             !$is_number ? $v
            : $param->{kind} eq 'vmid' ? "(defined($v) ? \"$v\" : undef)"
            : "(defined($v) ? 0 + $v : undef)";
    }
    return _nothing() if !@args;
    my $variables = join(', ', map { '$v' . $_ } 0 .. $#args);
    return _code(<<"CODE");
        sub (\$wire) {
            my ($variables) = \$wire->\@{qw(@{[map { $_->{name} } $params->@*]})};
            return if keys(\$wire->%*) != @{[join(' + ', @count)]};
            return if !(@{[join(' && ', @conditions)]});
            return [@{[join(', ', @args)]}];
        }
CODE
}

sub tuple ($fields) {
    my (@conditions, @defaults, @pairs);
    for my $field ($fields->@*) {
        my $v = '$v' . @pairs;
        my ($digits, $is_bool) = ($field->{plain_digits}, $field->{kind} eq 'bool');
        my $condition =
              $digits ? "length($v) <= $digits && !($v =~ tr/0-9//c)"
            : $is_bool ? 1
            : $field->{plain_text}
            ? "length($v) < @{[LONG_TEXT]} && !($v =~ tr/ -~//c) && !utf8::is_utf8($v)"
            : return _nothing();
        push @conditions, _if($field, $v, "!ref($v) && length($v) && $condition");
        push @defaults, "$v //= '$field->{default}';" if defined($field->{default});
        my $value = $digits ? "0 + \"$v\"" : $is_bool ? "($v ? \$TRUE : \$FALSE)" : "\"$v\"";
        push @pairs, "$field->{name} => (defined($v) ? $value : undef)";
    }
    my $variables = join(', ', map { '$v' . $_ } 0 .. $#pairs);
    return _code(<<"CODE");
        sub (\$values) {
            my ($variables) = \$values->\@*;
            @defaults
            return if !(@{[join(' && ', @conditions)]});
            return { @{[join(', ', @pairs)]} };
        }
CODE
}

1;

__END__

=head1 NAME

Tenon::Plain - what nearly every call brings and answers, in one step

=head1 DESCRIPTION

L<Tenon::Schema> asks the table for each value what it may be. Most values are plain: short ASCII text, digits, maps of text.
This module makes code from the table that takes all parameters of a call, or all values of an answer, if all are plain, and
nothing otherwise.

=head1 FUNCTIONS

=head2 params

    my $code = Tenon::Plain::params($api->params_at($method, $level));
    my $args = $code->(\%params) // ...;

The code returns what L<Tenon::Schema/params_from_wire> returns, or undef if a parameter is not plain, missing or unknown.

=head2 tuple

    my $code = Tenon::Plain::tuple(\@fields);
    my $wire = $code->(\@values) // ...;

The code returns what L<Tenon::Schema/result_to_wire> returns for these values of a tuple, or undef if one is not plain.

=cut
