package Tenon::Records;

use v5.36;

use Tenon::Frame;

# Converting one value at a time takes many steps in Perl. So most records of a list are written by one pack and read by one
# pattern, made from the table for the record's keys. Values that are not plain are converted one by one.

# A run of records of one shape is tried with a few, then with more.
use constant { FEWEST => 16, MOST => 1024 };

# Shapes of one kind of record that are remembered.
use constant SHAPES => 8;

# How many shapes are learnt from one list: keys in random order would give ever new ones.
use constant NEW_SHAPES => 4;

# Of a record, in a frame that answers with a list.
use constant DEPTH => 3;

# As bytes are matched: text with a length of one byte, of any kind, and the integers.
my $PRINTABLE = _texts('\xd9', 0, '[ -~]', 1 .. 255);
my $STR8 = _texts('\xd9', 0, '[\x00-\x7f]', 0 .. 255);
my $STR = '(?:' . _texts('', 0xa0, '[\x00-\x7f]', 0 .. 31) . "|$STR8)";
my $UINT64 = '\xcf[\x00-\x7f].{7}';
my $UINT = "(?:[\\x00-\\x7f]|\\xcc.|\\xcd..|\\xce.{4}|$UINT64)";
my $BOOL = '[\xc2\xc3]';

# A record is matched in (?>...), since the engine keeps what it would need to go back into it otherwise, and is three times
# slower then.

# What is certainly not beyond the largest.
my $VMID64 = '\xcf\x00{4}[\x00-\x3a].{3}';

sub _texts ($header, $zero, $class, @lengths) {
    return
          '(?:'
        . join('|', map { sprintf('%s\x%02x%s{%d}', $header, $zero + $_, $class, $_) } @lengths)
        . ')';
}

sub _hex ($text) {
    return join('', map { sprintf('\x%02x', ord) } split(m//, $text));
}

# The key of a map, which is short.
sub _key ($name) {
    return chr(0xa0 + length($name)) . $name;
}

sub _is_short ($name) {
    return length($name) && length($name) < 32 && $name !~ m/[^ -~]/;
}

# ---- Perl to wire

# The fields of a record like this one, in the order in which they are written, each with what stands for a missing value;
# nothing if such records cannot be plain.
sub _fields_of ($result, $record) {
    my @fields;
    my $known = 0;
    for my $field ($result->{fields}->@*) {
        my $name = $field->{name};
        my ($is_there, $is_defined) = (exists($record->{$name}), defined($record->{$name}));
        $known++ if $is_there;
        my $constant =
              $is_defined ? undef
            : !defined($field->{default}) ? "\xc0"
            : $field->{plain_digits} ? "\xcf" . pack('Q>', $field->{default})
            : "\xd9" . pack('C/a*', $field->{default});
        return if !$is_defined && $constant eq "\xc0" && !$field->{nullable};
        push @fields, { $field->%*, constant => $constant, is_there => $is_there }
            if $is_there || $constant ne "\xc0";
    }
    return @fields if $known == keys $record->%*;
    return if !$result->{other};
    for my $name (sort grep { !$result->{known}->{$_} } keys $record->%*) {
        return if !_is_short($name);
        push @fields,
            {
            name => $name,
            plain_text => 1,
            is_there => 1,
            constant => defined($record->{$name}) ? undef : "\xc0",
            };
    }
    return @fields;
}

# How records like this one are written, undef if it is not known.
sub _writer ($result, $record) {
    my @fields = _fields_of($result, $record);
    return undef if !@fields || @fields > 15; ## no critic (ProhibitExplicitReturnUndef)

    my ($template, $literal, @args, @digits, @undef) = ('', chr(0x80 + @fields));
    my $pattern = '';
    for my $field (@fields) {
        my $place = '$_->{"' . _hex($field->{name}) . '"}';
        $literal .= _key($field->{name});
        if (defined($field->{constant})) {
            $literal .= $field->{constant};
            push @undef, "defined($place)" if $field->{is_there};
            next;
        }
        my ($type, $arg, $token);
        if ($field->{plain_digits}) {
            $literal .= "\xcf";

            # In a copy, because to read a number as text would make the plugin's own larger.
            push @digits, '$digit' . @digits;
            ($type, $arg) = ('Q>', "$digits[-1] = $place");
            $token = $field->{kind} eq 'vmid' ? $VMID64 : $UINT64;
        } elsif ($field->{kind} && $field->{kind} eq 'bool') {
            ($type, $arg, $token) = ('a1', qq{($place ? "\\xc3" : "\\xc2")}, $BOOL);
        } else {
            $literal .= "\xd9";
            $arg =
                ($field->{kind} // '') eq 'volid'
                ? "(index($place, \$prefix) ? \$prefix . $place : $place)"
                : $place;
            ($type, $token) = ('C/a*', $PRINTABLE);
        }
        $template .= 'a' . length($literal) . " $type ";
        push @args, '"' . _hex($literal) . '"', $arg;
        $pattern .= _hex($literal =~ s/[\xcf\xd9]\z//r) . $token;
        $literal = '';
    }
    if (length($literal)) {
        $template .= 'a' . length($literal);
        push @args, '"' . _hex($literal) . '"';
        $pattern .= _hex($literal);
    }

    my $is_other = join(' || ', 'keys($_->%*) != ' . (grep { $_->{is_there} } @fields), @undef);
    my $digits = @digits ? '$digits .= "' . join('', @digits) . '";' : '';
    my $copies = @digits ? 'my (' . join(', ', @digits) . ');' : '';
    my $code = <<"CODE";
        use warnings FATAL => qw(numeric pack uninitialized);
        sub (\$records, \$from, \$to, \$prefix) {
            my (\$out, \$digits, \$at) = ('', '', \$from);
            $copies
            eval {
                for (\$records->\@[\$from .. \$to]) {
                    last if $is_other;
                    \$out .= pack('$template', @{[join(', ', @args)]});
                    $digits
                    \$at++;
                }
            };
            return (\$at, \$digits, \$out);
        }
CODE
    my $run = eval $code || die $@; ## no critic (ProhibitStringyEval)
    return { run => $run, pattern => qr/\A(?>$pattern)*+\z/s };
}

# Records from here on that are like this one, as bytes, and how many those are. There are no bytes if one is not plain.
sub _run ($writer, $records, $from, $to, $prefix) {
    my ($at, $digits, $out);
    {
        # A plugin's handler for die must not see a conversion that failed.
        local ($@, $SIG{__DIE__});
        ($at, $digits, $out) = $writer->{run}->($records, $from, $to, $prefix);
    }
    my $is_plain =
           $at > $from
        && !($digits =~ tr/0-9//c)
        && utf8::downgrade($out, 1)
        && $out =~ $writer->{pattern}
        && index($out, '(0x') < 0; # a reference
    return ($at - $from, $is_plain ? $out : undef);
}

sub _header ($count) {
    return $count < 65_536 ? "\xdc" . pack('n', $count) : "\xdd" . pack('N', $count);
}

# One record in the same form.
sub _packed ($result, $wire) {
    my @names = grep { exists($wire->{$_}) } $result->{names}->@*;
    push @names, sort grep { !$result->{known}->{$_} } keys $wire->%* if @names < keys $wire->%*;
    my %is_number = map { $_->{name} => $_->{plain_digits} } $result->{fields}->@*;
    my $bytes = @names < 16 ? chr(0x80 + @names) : "\xde" . pack('n', scalar(@names));
    for my $name (@names) {
        my $value = $wire->{$name};
        $bytes .= Tenon::Frame::packed_value($name);
        $bytes
            .= !defined($value) ? "\xc0"
            : $is_number{$name} ? "\xcf" . pack('Q>', $value)
            : !ref($value) && length($value) < 256 ? "\xd9" . pack('C/a*', $value)
            : Tenon::Frame::packed_value($value);
    }
    return $bytes;
}

sub to_wire ($result, $records, $storeid, $one) {
    my $prefix = defined($storeid) ? "$storeid:" : '';
    my ($bytes, $count, $at, $length) = ('', 0, 0, FEWEST);
    while ($at < $records->@*) {
        my $record = $records->[$at];
        my ($done, $run) = (0);
        if (ref($record) eq 'HASH') {
            my $shape =
                join("\n", map { defined($record->{$_}) ? $_ : "$_\t" } sort keys $record->%*);
            my $writers = $result->{writers} //= {};
            $writers->%* = () if !exists($writers->{$shape}) && keys $writers->%* >= SHAPES;
            my $writer = $writers->{$shape} //= _writer($result, $record) // {};
            my $to = $at + $length > $records->@* ? $records->$#* : $at + $length - 1;
            ($done, $run) = _run($writer, $records, $at, $to, $prefix) if $writer->{run};
        }
        if (defined($run)) {
            $bytes .= $run;
            $count += $done;
            $length *= 2 if $done == $length && $length < MOST;
        } else {
            $done ||= 1;
            $length = FEWEST;
            for my $record ($records->@[$at .. $at + $done - 1]) {
                my $wire = $one->($record) // next;
                $bytes .= _packed($result, $wire);
                $count++;
            }
        }
        $at += $done;
    }
    return Tenon::Frame::packed(_header($count) . $bytes);
}

# ---- wire to Perl

# The header of a list: how long it is itself, and how many elements it has.
sub _list ($payload, $at) {
    my $first = vec($payload->$*, $at, 8);
    return
          $first >= 0x90 && $first <= 0x9f ? (1, $first & 0x0f)
        : $first == 0xdc ? (3, unpack('n', substr($payload->$*, $at + 1, 2)) // 0)
        : $first == 0xdd ? (5, unpack('N', substr($payload->$*, $at + 1, 4)) // 0)
        : ();
}

# What matches a value like the one that begins here, if a field may have such a one, and where that ends.
sub _value ($field, $payload, $at) {
    my $first = vec($payload->$*, $at, 8);
    return ('\xc0', $at + 1) if $first == 0xc0 && $field->{nullable};
    if ($field->{plain_digits}) {
        my $length = $first < 0x80 ? 1 : { 0xcc => 2, 0xcd => 3, 0xce => 5, 0xcf => 9 }->{$first};
        return $length ? ($length == 9 ? $UINT64 : $UINT, $at + $length) : ();
    } elsif ($field->{kind} eq 'bool') {
        return $first == 0xc2 || $first == 0xc3 ? ($BOOL, $at + 1) : ();
    } elsif ($field->{plain_text} || $field->{kind} eq 'volid') {
        return ($STR, $at + 1 + ($first & 0x1f)) if $first >= 0xa0 && $first <= 0xbf;
        return ($STR8, $at + 2 + vec($payload->$*, $at + 1, 8)) if $first == 0xd9;
    }
    return;
}

my $OTHER = { kind => 'chars', plain_text => 1, nullable => 1 };

# What matches records like the one that begins here, nothing if it is not plain.
sub _reader ($result, $payload, $at) {
    my $first = vec($payload->$*, $at, 8);
    return '' if $first < 0x81 || $first > 0x8f;
    my $pattern = sprintf('\x%02x', $first);
    my %seen;
    $at++;
    for (1 .. $first & 0x0f) {
        my $length = vec($payload->$*, $at, 8) - 0xa0;
        my $name = $length > 0 && $length < 32 ? substr($payload->$*, $at + 1, $length) : '';
        return ''
            if !_is_short($name) || $seen{$name}++;
        my ($field) = grep { $_->{name} eq $name } $result->{fields}->@*;
        (my $token, $at) = _value($field // $OTHER, $payload, $at + 1 + $length);
        return '' if !$token;
        $pattern .= _hex(_key($name)) . $token;
    }
    return ''
        if grep { !$_->{nullable} && !$seen{ $_->{name} } } $result->{fields}->@*;
    return $pattern;
}

# Looks through records to the end of the payload: the numbers of those that are not plain, undef if there are many.
sub _odd_ones ($result, $payload, $at) {
    my $known = $result->{readers} //= { patterns => {} };
    my ($number, $new, @odd) = (0, 0);
    pos($payload->$*) = my $begin = $at;
    while (1) {
        my $any = $known->{any};
        while ($any && $payload->$* =~ m/\G(?:$any){1,30000}+/gc) { }
        my $end = pos($payload->$*);
        return \@odd if $end == length($payload->$*);
        my $pattern = _reader($result, $payload, $end);
        if ($pattern && !$known->{patterns}->{$pattern}) {
            return undef if $new++ >= NEW_SHAPES; ## no critic (ProhibitExplicitReturnUndef)
            $known->{patterns} = {} if keys $known->{patterns}->%* >= SHAPES;
            $known->{patterns}->{$pattern} = 1;
            my $all = join('|', sort keys $known->{patterns}->%*);
            $known->{any} = qr/(?>$all)/s;
            next;
        }
        return undef if @odd >= FEWEST; ## no critic (ProhibitExplicitReturnUndef)
        my $before = substr($payload->$*, $begin, $end - $begin);
        $number++ while $any && $before =~ m/\G(?:$any)/g;
        push @odd, $number++;
        pos($payload->$*) = $begin = Tenon::Frame::end_of($payload, $end, DEPTH);
    }
    return;
}

sub from_wire ($lists, $payload) {
    $payload->$* =~ m/\A\x93\x03(?:([\x00-\x7f])|\xcc(.)|\xcd(..)|\xce(.{4}))/s or return;
    my $at = $+[0];
    my $id =
          defined($1) ? ord($1)
        : defined($2) ? ord($2)
        : defined($3) ? unpack('n', $3)
        : unpack('N', $4);
    my ($result, $one) = ($lists->{$id} // return)->@{qw(result one)};
    my ($length, $count) = _list($payload, $at) or return;
    return if $count < FEWEST || $count > Tenon::Frame::MAX_ELEMENTS;
    return if $count > length($payload->$*) - $at;
    my $odd = _odd_ones($result, $payload, $at + $length) // return;

    # If anything is wrong, the check of single values describes it better.
    my $records = eval { Tenon::Frame::unpacked(substr($payload->$*, $at)) } // return;
    for my $number ($odd->@*) {
        my $record = $records->[$number];
        return if ref($record) ne 'HASH' || !eval { $one->(Tenon::Frame::settle($record)); 1 };
    }
    for my $name (map { $_->{name} } grep { $_->{kind} eq 'bool' } $result->{fields}->@*) {
        $_->{$name} = $_->{$name} ? 1 : 0 for grep { defined($_->{$name}) } $records->@*;
    }
    return [Tenon::Frame::RESPONSE, $id, $records, 1];
}

1;

__END__

=head1 NAME

Tenon::Records - long lists of records, all at once

=head1 DESCRIPTION

Tenon::Schema asks the table for every field of every record. Of a list of records that are plain, with short ASCII text and
digits under the names that the table has, this module makes the same many times faster: it writes records that have the same
keys with one C<pack> each and checks them with one pattern, and it reads a list with the packer once a pattern has matched
all of its bytes. Both are made from the table once for the keys that a record has. What is not plain among others is written
and read one by one.

Text in a list that is written here has a length of one byte, and each number has eight bytes, so that a reader finds them at
once.

=head1 FUNCTIONS

=head2 to_wire

    my $packed = Tenon::Records::to_wire($result, \@records, $storeid, $one);

The list as bytes, from L<Tenon::Frame/packed>. The records are not touched. C<$one> is called with each record that is not
plain, and returns it as it crosses, or undef to leave it out.

=head2 from_wire

    my $frame = Tenon::Records::from_wire({ $id => { result => $result, one => $one } }, \$payload);

A frame that answers one of these calls with a list, read and checked, as what its caller gets; it has a fourth element then,
which is true. C<$one> is called with each record that is not plain, and makes of it what the caller gets. Undef if it is
another frame, if many records are not plain, or if something is wrong with it.

=cut
