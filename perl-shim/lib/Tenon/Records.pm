package Tenon::Records;

use v5.36;

use Data::MessagePack ();

# A list is looked at column by column, since a column is one string to Perl and a check of it one pass in C, where a
# value at a time is many steps of Perl each. What is not plain is left to those who look at each.
use constant LONGEST => 1000;

# Whether the values that a field has in the records are plain; how many records have the field goes from the count.
sub _is_plain ($field, $records, $keys) {
    my $name = $field->{name};
    my @column = map { $_->{$name} // () } $records->@*;
    if (@column == $records->@*) {
        $keys->$* -= @column;
    } else {
        return 0 if !$field->{nullable} && !defined($field->{default});
        $keys->$* -= grep { exists($_->{$name}) } $records->@*;
    }
    return 1 if !@column || $field->{kind} eq 'bool';

    my $all = join("\n", @column);
    return 0 if ($all =~ tr/\n//) != $#column || $all =~ m/\A(?:\n|\z)|\n(?:\n|\z)/;
    if (my $digits = $field->{plain_digits}) {
        my $longer = $digits + 1;
        return !($all =~ tr/0-9\n//c) && $all !~ m/[0-9]{$longer}/;
    }
    return
           ($field->{plain_text} || $field->{kind} eq 'volid')
        && !($all =~ tr/ -~\n//c)
        && !utf8::is_utf8($all)
        && index($all, '(0x') < 0 # a reference
        && (length($all) < LONGEST || $all !~ m/[ -~]{${\LONGEST}}/);
}

# Whether all are: no key that the table does not name, no value that needs a thought.
sub _are_plain ($result, $records) {
    return 0 if grep { ref ne 'HASH' } $records->@*;
    my $keys = 0;
    $keys += keys $_->%* for $records->@*;
    for my $field ($result->{fields}->@*) {
        return 0 if !_is_plain($field, $records, \$keys);
    }
    return !$keys;
}

# What is made of a record, from the table.
sub _maker ($result) {
    my @pairs;
    for my $field ($result->{fields}->@*) {
        my $name = $field->{name};
        my $value =
            $field->{kind} eq 'volid'
            ? "index(\$_->{$name}, \$prefix) ? \"\$prefix\$_->{$name}\" : \"\$_->{$name}\""
            : $field->{kind} eq 'bool' ? "(\$_->{$name} ? \$true : \$false)"
            : $field->{plain_digits} ? "0 + \"\$_->{$name}\""
            : "\"\$_->{$name}\"";
        my $absent =
            defined($field->{default})
            ? (
            $field->{plain_digits}
            ? "($name => $field->{default})"
            : "($name => '$field->{default}')"
            )
            : "exists(\$_->{$name}) ? ($name => undef) : ()";
        push @pairs, "(defined(\$_->{$name}) ? ($name => $value) : $absent)";
    }
    my $code =
        'sub ($records, $prefix) { return [map { +{' . join(', ', @pairs) . '} } $records->@*] }';
    my ($true, $false) = (Data::MessagePack::true(), Data::MessagePack::false());
    return eval $code || die $@; ## no critic (ProhibitStringyEval)
}

sub to_wire ($result, $records, $storeid) {
    return if !_are_plain($result, $records);
    $result->{maker} //= _maker($result);
    return $result->{maker}->($records, defined($storeid) ? "$storeid:" : '');
}

sub from_wire ($result, $records) {
    return 0 if !_are_plain($result, $records);
    for my $field (grep { defined($_->{default}) && !$_->{nullable} } $result->{fields}->@*) {
        return 0 if grep { !defined($_->{ $field->{name} }) } $records->@*;
    }
    my @bools = map { $_->{name} } grep { $_->{kind} eq 'bool' } $result->{fields}->@*;
    for my $name (@bools) {
        return 0
            if grep { ref($_->{$name}) ne 'Data::MessagePack::Boolean' }
            grep { defined($_->{$name}) } $records->@*;
    }
    for my $name (@bools) {
        $_->{$name} = $_->{$name} ? 1 : 0 for grep { defined($_->{$name}) } $records->@*;
    }
    return 1;
}

1;

__END__

=head1 NAME

Tenon::Records - long lists of records, all at once

=head1 DESCRIPTION

Tenon::Schema asks the table for every field of every record. Of a list of which all is plain, short ASCII text and
digits under the names that the table has, this module makes the same with one loop a shape, made from the table once.

=head1 FUNCTIONS

=head2 to_wire

    my $wire = Tenon::Records::to_wire($result, \@records, $storeid);

The records as they cross, undef if one of them is not plain. They are not touched.

=head2 from_wire

    my $done = Tenon::Records::from_wire($result, \@records);

Makes records that came what a plugin returns, in place. False, and nothing done, if one of them is not plain.

=cut
