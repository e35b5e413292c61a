package Tenon::Schema;

# Every type of the table, both ways: what is written and what is read of a type stand in one file, so that they agree. That
# is why it is long.

use v5.36;

use B ();
use Data::MessagePack ();
use JSON::PP ();
use POSIX qw(ceil);
use Scalar::Util qw(blessed reftype);

use Tenon::Bytes;
use Tenon::Cache;
use Tenon::Callback;
use Tenon::Cleanup;
use Tenon::Descriptors;
use Tenon::Disks;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Plain;
use Tenon::Records;

# Told what is left out of an answer.
our $TELL = sub ($text) { warn $text };

# A number that was printed once is packed as text, so every number below is made anew from text.

my %TEXT = map { $_ => 1 } qw(contenttype format path snapname storeid str volid volname);

# Perl has characters for these, and octets for all other text.
my %CHARACTERS = map { $_ => 1 } qw(chars);
my %LARGEST = (
    kib => 9007199254740992,
    seconds => 2147483648,
    uint => 9223372036854775807,
    vmid => 999999999
);

# So many digits are below the largest in any case.
my %DIGITS = (kib => 15, seconds => 9, uint => 18, vmid => 9);

my %IS_MAP = map { $_ => 1 } qw(counts hints secrets section);

# Most values are simple: short ASCII text, integers of few digits, maps.
use constant PLAIN_TEXT => 1000;

# Of fewer records each can be looked at.
use constant MANY => 16;

sub prepare ($type) {
    return if $type->{list};
    my $kind = $type->{kind};
    $type->{plain_text} = $CHARACTERS{$kind} || $TEXT{$kind} && $kind ne 'volid';
    $type->{plain_digits} = $DIGITS{$kind};
    $type->{plain_map} = $IS_MAP{$kind} && $kind ne 'secrets';
    return;
}

# ---- Perl to wire

sub params_to_wire ($api, $method, $level, $args) {
    my ($params, @given) = ($api->params_at($method, $level), $args->@*);
    if ($method->{rest} && @given > $params->@*) {
        my @bound = splice(@given, scalar($params->@*));
        my $code = $given[-1];
        $given[-1] = sub { return $code->(@bound) };
    }
    if ($method->{flat} && @given >= $params->$#*) {
        my @flat = splice(@given, $params->$#*);
        push @flat, undef if @flat % 2;
        push @given, {@flat};
    }
    if (@given > $params->@*) {
        _bad(
            'BAD_PARAMETER',
            "$method->{name}: takes at most "
                . scalar($params->@*)
                . " parameters at API level $level, got "
                . scalar($args->@*),
        );
    }
    my %wire;
    for my $i (0 .. $#given) {
        my $param = $params->[$i];
        next if $param->{kind} eq 'stream' && defined($given[$i]);
        my $wire = _to_wire($param, $given[$i], undef);
        _bad('BAD_PARAMETER', "$param->{where} is undef") if !defined($wire) && !$param->{nullable};
        $wire{ $param->{name} } = $wire;
    }
    my @streams =
        grep { $params->[$_]->{kind} eq 'stream' && defined($given[$_]) } 0 .. $#given;
    my %is_stream = map { $params->[$_]->{name} => 1 } @streams;
    for my $param ($method->{required}->@*) {
        next if exists($wire{ $param->{name} }) || $is_stream{ $param->{name} };
        _bad('BAD_PARAMETER', "$param->{where} is missing");
    }

    # Last, because a descriptor that was sent for a call that is never made waits in vain.
    $wire{ $params->[$_]->{name} } = _to_wire($params->[$_], $given[$_], undef) for @streams;
    return \%wire;
}

# ---- what a plugin changes in place

# What the arguments of a call are now, where they are not what came over the wire.
sub changed_to_wire ($api, $method, $level, $before, $args) {
    my $names = $api->positions($method, $level);
    my %values = map { $names->[$_] => $args->[$_] } 0 .. $names->$#*;
    my %changed;
    for my $param ($method->{in_out}->@*) {
        my $name = $param->{name};
        next if !defined($values{$name});
        my $now = _to_wire($param, $values{$name}, undef);
        $changed{$name} = $now if _canonical($now) ne $before->{$name};
    }
    return \%changed;
}

sub before ($method, $wire) {
    return { map { $_->{name} => _canonical($wire->{ $_->{name} }) } $method->{in_out}->@* };
}

sub _canonical ($wire) {
    return Tenon::Frame::encode([Tenon::Frame::NOTIFY, '', { value => $wire }], 1);
}

# Puts into the caller's own hashes and arrays what the far side changed.
sub apply_changed ($api, $method, $level, $args, $changed) {
    return if ref($changed) ne 'HASH';
    my $names = $api->positions($method, $level);
    for my $i (grep { $_ < $args->@* } 0 .. $names->$#*) {
        my ($mine, $theirs) = ($args->[$i], $changed->{ $names->[$i] });
        if (ref($theirs) eq 'HASH' && (reftype($mine) // '') eq 'HASH') {
            delete $mine->{$_} for grep { !exists($theirs->{$_}) } keys $mine->%*;
            for my $key (keys $theirs->%*) {
                next
                    if exists($mine->{$key})
                    && eval { _canonical(_tree($mine->{$key}, 0)) } eq _canonical($theirs->{$key});
                $mine->{$key} = $theirs->{$key};
            }
        } elsif (ref($theirs) eq 'ARRAY' && (reftype($mine) // '') eq 'ARRAY') {
            $mine->@* = $theirs->@*;
        }
    }
    return;
}

sub result_to_wire ($method, $values, $storeid, $may_pack = 0) {
    my $result = $method->{result};
    my $shape = $result->{shape};
    return undef if $shape eq 'none'; ## no critic (ProhibitExplicitReturnUndef)

    my $name = $method->{name};
    if ($shape eq 'value') {
        my $value = $result->{in_list} ? $values : $values->[0];
        return _result_field($name, $result, $value // $result->{default}, $storeid, 'the result');
    } elsif ($shape eq 'tuple') {
        my $plain = $result->{plain_tuple} //= Tenon::Plain::tuple($result->{fields});
        return $plain->($values)
            // _fields_to_wire($name, $result->{fields}, $values, $storeid, 'the result',
            undef, $result->{scalar});
    }

    my $list = $values->[0] // [];
    _bad('BAD_RESULT', "$name: the result must be an array reference, got " . _shown($list))
        if (reftype($list) // '') ne 'ARRAY';
    my $one = sub ($entry) {
        my $record = eval { _record_to_wire($name, $result, $entry, $storeid) };
        return $record if defined($record);
        die $@ if !_is_error($@);

        # One bad entry must not hide all the others.
        $TELL->('left out of ' . $@->message . "\n");
        return;
    };
    return $may_pack && $list->@* >= MANY
        ? Tenon::Records::to_wire($result, $list, $storeid, $one)
        : [map { $one->($_) // () } $list->@*];
}

sub _record_to_wire ($name, $result, $entry, $storeid) {
    _bad('BAD_RESULT',
        "$name: an entry of the result must be a hash reference, got " . _shown($entry))
        if (reftype($entry) // '') ne 'HASH';
    my $where = defined($entry->{volid}) ? _shown($entry->{volid}) : 'an entry';
    my @values = $entry->@{ $result->{names}->@* };
    my $record = _fields_to_wire($name, $result->{fields}, \@values, $storeid, $where, $entry);
    if ($result->{other}) {
        for my $key (keys $entry->%*) {
            next if $result->{known}->{$key};
            my $pair = eval { [_text($key), _characters_tree($entry->{$key}, 0)] };
            if ($pair) {
                $record->{ $pair->[0] } = $pair->[1];
            } elsif (_is_error($@)) {
                _drop($name, _shown($key), $where, $@);
            } else {
                die $@;
            }
        }
    }
    return $record;
}

# A bad optional value of an answer is left out, and the rest stays. This is reported once, or a status daemon would repeat
# it for ever.
my %DROPPED;

sub _drop ($name, $field, $where, $err) {
    return if $DROPPED{"$name $field"}++;
    $TELL->(
        "$name: $field of $where is left out: " . $err->message . "; others will be in silence\n");
    return;
}

# The values in the order of the fields; of a record, which may not have them all.
sub _fields_to_wire ($name, $fields, $values, $storeid, $where, $record = undef, $asked_for = undef)
{
    my ($i, $missing, %wire, $done) = (0);
    eval {
        for my $field ($fields->@*) {
            my $value = $values->[$i++] // $field->{default};
            my $text = ref($value) || !defined($value) ? '' : "$value";
            my $digits = $field->{plain_digits};
            if ($digits) {
                if (length($text) && length($text) <= $digits && !($text =~ tr/0-9//c)) {
                    $wire{ $field->{name} } = 0 + $text;
                    next;
                }
            } elsif ($field->{plain_text}
                && length($text)
                && length($text) < PLAIN_TEXT
                && !($text =~ tr/ -~//c)
                && !utf8::is_utf8($text)) {
                $wire{ $field->{name} } = $text;
                next;
            }

            # Some plugins guess an owner where a name has none.
            $value = undef
                if defined($value)
                && $field->{kind} eq 'vmid'
                && $field->{nullable}
                && $value !~ m/\A\s*[0-9]+\s*\z/;
            if (!defined($value)) {
                $missing //= $field->{name} if !$field->{nullable};
                $wire{ $field->{name} } = undef if !$record || exists($record->{ $field->{name} });
                next;
            }

            # In a list only the bad value is left out; a single result must be right.
            my $is_optional = $field->{nullable} || defined($field->{default});
            if ($is_optional
                && ($record || ($digits ? $field->{name} ne ($asked_for // '') : $value eq ''))) {
                $wire{ $field->{name} } = _optional($name, $field, $value, $where);
                next;
            }
            $wire{ $field->{name} } = _to_wire($field, $value, $storeid);
        }
        $done = 1;
    };
    _bad_result($name, "'$fields->[$i - 1]->{name}' of $where", $@) if !$done;
    _bad('BAD_RESULT', "$name: '$missing' of $where must not be undef") if defined($missing);
    return \%wire;
}

# What stands for a value that cannot be what the field is.
sub _optional ($name, $field, $value, $where) {
    my $given = $field->{kind} eq 'format' && $value eq '' ? undef : $value;
    my $wire = eval { _to_wire($field, $given, undef) };
    return $wire if defined($wire);
    my $err = $@ || Tenon::Error->new('BAD_RESULT', 'UNKNOWN', 'it is empty');
    die $err if !_is_error($err);
    _drop($name, "'$field->{name}'", $where, $err);
    return defined($field->{default}) ? _to_wire($field, $field->{default}, undef) : undef;
}

sub _result_field ($name, $field, $value, $storeid, $where) {
    my $wire = eval { _to_wire($field, $value, $storeid) };
    _bad_result($name, $where, $@) if $@;
    _bad('BAD_RESULT', "$name: $where must not be undef") if !defined($wire) && !$field->{nullable};
    return $wire;
}

# Whatever is wrong with a result, the call has been made.
sub _bad_result ($name, $where, $err) {
    die $err if !_is_error($err);
    my $code = $err->name eq 'BAD_TEXT' ? 'BAD_TEXT' : 'BAD_RESULT';
    Tenon::Error->throw($code, 'UNKNOWN', "$name: $where: " . $err->message);
    return;
}

sub _is_error ($err) {
    return blessed($err) && $err->isa('Tenon::Error');
}

sub _to_wire ($type, $value, $storeid) {
    return undef if !defined($value); ## no critic (ProhibitExplicitReturnUndef)

    if ($type->{list}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be an array reference, got ' . _shown($value))
            if (reftype($value) // '') ne 'ARRAY';
        my $element = { kind => $type->{kind} };
        return [map { _to_wire($element, $_, $storeid) } $value->@*];
    }

    my $kind = $type->{kind};
    if ($TEXT{$kind}) {
        my $text = _text($value);
        _bad('BAD_PARAMETER', _what($type) . ' must not end in a newline, got ' . _shown($value))
            if $kind eq 'volname' && $type->{where} && $text =~ m/\n\z/;
        chomp($text) if $kind eq 'volname';
        $text = "$storeid:$text"
            if $kind eq 'volid' && defined($storeid) && $text !~ m/\A\Q$storeid\E:/;
        return $text;
    } elsif ($CHARACTERS{$kind}) {
        return _characters($value);
    } elsif ($LARGEST{$kind}) {
        return _integer($type, $value);
    } elsif ($kind eq 'bool') {
        return $value ? Data::MessagePack::true() : Data::MessagePack::false();
    } elsif ($kind eq 'cache') {
        return Tenon::Cache::id_of($value);
    } elsif ($kind eq 'callback') {
        _bad('BAD_PARAMETER', _what($type) . ' must be a code reference, got ' . _shown($value))
            if (reftype($value) // '') ne 'CODE';
        return Tenon::Callback::id_of($value);
    } elsif ($kind eq 'cleanup') {

        # Some return 1 for success.
        return (reftype($value) // '') eq 'CODE' ? Tenon::Cleanup::keep($value) : undef;
    } elsif ($kind eq 'snapshots') {
        return [map { _text($_) } $value->@*] if (reftype($value) // '') eq 'ARRAY';
        return $value ? Data::MessagePack::true() : Data::MessagePack::false();
    } elsif ($kind eq 'json') {
        return _json($value, 0);
    } elsif ($kind eq 'secrets') {
        return {
            map { _text($_) => defined($value->{$_}) ? _characters($value->{$_}) : undef }
                keys $value->%*
        };
    } elsif ($kind eq 'stream') {
        return Tenon::Descriptors::token_of($value);
    } elsif ($kind eq 'bytes') {
        return Tenon::Bytes->of(_string($value));
    } elsif ($kind eq 'disks') {
        return Tenon::Disks::to_wire($value);
    } elsif ($kind eq 'provider') {
        return Tenon::Backup::Hosted::keep($value, $storeid);
    } elsif ($kind eq 'hints' || $kind eq 'counts') {
        _bad('BAD_PARAMETER', _what($type) . ' must be a hash reference, got ' . _shown($value))
            if (reftype($value) // '') ne 'HASH';
        return {
            map { _text($_) => _integer({ kind => 'uint' }, $value->{$_} || 0) }
                keys $value->%*
        };
    } elsif ($kind eq 'section' || $kind eq 'tree') {
        _bad('BAD_PARAMETER', _what($type) . ' must be a hash reference, got ' . _shown($value))
            if $kind eq 'section' && (reftype($value) // '') ne 'HASH';
        return _tree($value, 0);
    }
    die "the method table names the unknown type '$kind'\n";
}

sub _integer ($type, $value) {
    my $kind = $type->{kind};
    my $text = "$value";
    return 0 + $text if $text =~ m/\A[0-9]{1,18}\z/ && length($text) <= $DIGITS{$kind};
    my $number;
    if ($text =~ m/\A\s*(\d{1,19})\s*\z/a) {
        $number = "$1" + 0;
    } elsif ($text =~ m/\A\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*\z/a) {
        my $float = "$1" + 0;
        $number = sprintf('%.0f', $kind eq 'kib' ? ceil($float) : int($float)) + 0;
    }
    _bad(
        'BAD_PARAMETER',
        _what($type)
            . " must be an integer 0 .. $LARGEST{$kind}, got "
            . _shown($value)
            . (
            $kind eq 'vmid' && defined($number) ? ': value does not look like a valid VM ID' : ''
            ),
    ) if !defined($number) || $number > $LARGEST{$kind};

    # Comparing may leave a fraction in it, which the packer would take.
    return 0 + "$number";
}

# Bytes that are UTF-8 stay as they are, characters are encoded; either way the packer sees octets.
sub _text ($value) {
    my $text = _string($value);
    return $text if length($text) < PLAIN_TEXT && $text !~ m/[^\x00-\x7f]/ && !utf8::is_utf8($text);
    utf8::encode($text) if utf8::is_utf8($text);
    _check_length($text);
    _bad('BAD_TEXT', 'the text ' . _shown($text) . ' is not valid UTF-8')
        if !Tenon::Frame::is_utf8($text);
    return $text;
}

# Whatever Perl's flag says: a character below 256 has two forms.
sub _characters ($value) {
    my $text = _string($value);
    utf8::encode($text);
    _check_length($text);
    _bad('BAD_TEXT', 'the text ' . _shown($text) . ' has surrogates, which are no characters')
        if !Tenon::Frame::is_utf8($text);
    return $text;
}

# Text of unknown kind: a file name is octets, and anything else that is not UTF-8 can only be characters.
sub _leaf ($value) {
    my $text = _string($value);
    return _text($text)
        if utf8::is_utf8($text) || $text =~ m{\A/} || Tenon::Frame::is_utf8($text);
    return _characters($text);
}

sub _string ($value) {
    _bad('BAD_PARAMETER', 'text belongs where ' . _shown($value) . ' was given')
        if ref($value) && !(blessed($value) && overload::Method($value, '""'));
    return "$value";
}

sub _check_length ($text) {
    _bad('FRAME_TOO_LONG',
              'a text of '
            . length($text)
            . ' bytes is longer than the limit of '
            . Tenon::Frame::MAX_TEXT
            . ' bytes')
        if length($text) > Tenon::Frame::MAX_TEXT;
    return;
}

# The octets of a text that came, as characters.
sub _decoded ($octets) {
    _bad('BAD_TEXT', 'the text ' . _shown($octets) . ' is not valid UTF-8')
        if $octets =~ m/[^\x00-\x7f]/ && !Tenon::Frame::is_utf8($octets);
    utf8::decode($octets);
    return $octets;
}

# Numbers stay numbers and booleans booleans, since QEMU tells them apart.
sub _json ($value, $depth) {
    _bad('BAD_PARAMETER', 'a value is nested deeper than 10 levels') if $depth > 10;
    return undef if !defined($value); ## no critic (ProhibitExplicitReturnUndef)
    if (blessed($value)) {
        return $value ? Data::MessagePack::true() : Data::MessagePack::false()
            if grep { $value->isa($_) }
            qw(JSON::PP::Boolean Data::MessagePack::Boolean Types::Serialiser::Boolean);
        return _leaf($value);
    }
    my $type = reftype($value) // '';
    return { map { _text($_) => _json($value->{$_}, $depth + 1) } keys $value->%* }
        if $type eq 'HASH';
    return [map { _json($_, $depth + 1) } $value->@*] if $type eq 'ARRAY';
    return $value->$* ? Data::MessagePack::true() : Data::MessagePack::false()
        if $type eq 'SCALAR' && defined($value->$*) && $value->$* =~ m/\A[01]\z/;
    my $flags = B::svref_2object(\$value)->FLAGS;
    return 0 + $value
        if !ref($value) && $flags & (B::SVf_IOK | B::SVf_NOK) && !($flags & B::SVf_POK);
    return _leaf($value);
}

sub _json_from_wire ($wire) {
    return { map { $_ => _json_from_wire($wire->{$_}) } keys $wire->%* } if ref($wire) eq 'HASH';
    return [map { _json_from_wire($_) } $wire->@*] if ref($wire) eq 'ARRAY';
    return $wire ? JSON::PP::true() : JSON::PP::false()
        if blessed($wire) && $wire->isa('Data::MessagePack::Boolean');
    return $wire;
}

sub tree ($value) {
    return _tree($value, 0);
}

sub _tree ($value, $depth) {
    return _leaves($value, $depth, \&_leaf);
}

# What a plugin tells in an entry of its own; PVE shows it to people.
sub _characters_tree ($value, $depth) {
    return _leaves($value, $depth, \&_characters);
}

sub _leaves ($value, $depth, $leaf) {
    _bad('BAD_PARAMETER', 'a value is nested deeper than 10 levels') if $depth > 10;
    return undef if !defined($value); ## no critic (ProhibitExplicitReturnUndef)
    if (blessed($value)) {
        return $value ? '1' : '0'
            if $value->isa('JSON::PP::Boolean') || $value->isa('Data::MessagePack::Boolean');
        return $leaf->($value);
    }
    my $type = reftype($value) // return $leaf->($value);
    if ($type eq 'HASH') {
        my %leaves = $value->%*;
        my $all = join('', keys %leaves);
        for my $item (values %leaves) {
            if (ref($item)) {
                $item = _leaves($item, $depth + 1, $leaf);
            } elsif (defined($item)) {
                $all .= ($item = "$item");
            }
        }

        # Nearly everything in a section is ASCII; each call has one.
        return \%leaves
            if !($all =~ tr/ -~//c)
            && !utf8::is_utf8($all)
            && length($all) <= Tenon::Frame::MAX_TEXT;
        return {
            map { _text($_) => _leaves($value->{$_}, $depth + 1, $leaf) }
                keys $value->%*
        };
    }
    return [map { _leaves($_, $depth + 1, $leaf) } $value->@*] if $type eq 'ARRAY';
    return $leaf->($value);
}

# ---- wire to Perl

sub params_from_wire ($api, $method, $level, $wire) {
    my $plain = $method->{plain_params}->{$level}
        //= Tenon::Plain::params($api->params_at($method, $level));
    my $all = $plain->($wire);
    return $all if $all;
    my ($seen, $missing, @args) = (0, 0);
    for my $param ($api->params_at($method, $level)->@*) {
        my $value = $wire->{ $param->{name} };
        if (!defined($value)) {
            $seen++ if exists($wire->{ $param->{name} });
            $missing = 1 if !$param->{nullable};
            push @args, undef if $param->{kind} ne 'secrets';
            next;
        }
        $seen++;
        my $is_plain =
              ref($value) ? $param->{plain_map} && ref($value) eq 'HASH'
            : $param->{plain_text} ? !($value =~ tr/ -~//c)
            : $param->{plain_digits} && length($value) && !($value =~ tr/0-9//c);
        $value = _from_wire($param, $value) if !$is_plain;
        if ($param->{kind} eq 'secrets' && $method->{flat}) {
            push @args, $value->%*;
        } else {

            # Plugins make JSON of what they get, in which PVE's sizes are numbers, as it has computed them, and its guests
            # are text, as it has read them.
            push @args,
                 !$param->{plain_digits} ? $value
                : $param->{kind} eq 'vmid' ? "$value"
                : 0 + $value;
        }
    }
    _refuse_params($method, $wire) if $missing || $seen != keys $wire->%*;
    return \@args;
}

# Some may be known and have no place at this level.
sub _refuse_params ($method, $wire) {
    for my $name (keys $wire->%*) {
        next if $method->{param}->{$name} || !defined($wire->{$name});
        _bad('BAD_PARAMETER', "$method->{name}: the parameter '$name' is unknown");
    }
    for my $param ($method->{required}->@*) {
        next if defined($wire->{ $param->{name} });
        _bad('BAD_PARAMETER', "$param->{where} ($param->{type}) is missing");
    }
    return;
}

# The answer of a call, whose in-place changes go into the caller's arguments.
sub answer_from_wire ($api, $method, $args, $wire, $want, $is_read = 0) {
    return $wire if $is_read;
    if ($method->{in_out}->@*) {
        _bad('BAD_RESULT', "$method->{name}: a map belongs where " . _shown($wire) . ' came')
            if ref($wire) ne 'HASH';
        apply_changed($api, $method, $api->newest, $args, $wire->{changed});
        $wire = $wire->{result};
    }
    return result_from_wire($method, $wire, $want);
}

sub result_from_wire ($method, $wire, $want) {
    my (@values, $done);
    eval {
        @values = _result_from_wire($method->{result}, $wire, $want);
        $done = 1;
    };
    _bad_result($method->{name}, 'the result', $@) if !$done;
    return $want ? @values : $values[0];
}

sub _result_from_wire ($result, $wire, $want) {
    my $shape = $result->{shape};
    return if $shape eq 'none';
    if ($shape eq 'value') {
        my $value = _field_from_wire($result, $wire);
        return $want && $result->{in_list} ? $value->@* : $value;
    } elsif ($shape eq 'tuple') {
        _bad('BAD_RESULT', 'a map belongs where ' . _shown($wire) . ' came')
            if ref($wire) ne 'HASH';
        my @fields = grep { $want || $_->{name} eq $result->{scalar} } $result->{fields}->@*;
        return map { _field_from_wire($_, $wire->{ $_->{name} }) } @fields;
    }
    _bad('BAD_RESULT', 'a list belongs where ' . _shown($wire) . ' came') if ref($wire) ne 'ARRAY';
    _record_from_wire($result, $_) for $wire->@*;
    return $wire;
}

sub _record_from_wire ($result, $record) {
    _bad('BAD_RESULT', 'a map belongs where ' . _shown($record) . ' came')
        if ref($record) ne 'HASH';
    my $told = 0;
    for my $field ($result->{fields}->@*) {
        my $name = $field->{name};
        if (exists($record->{$name})) {
            $told++;
            $record->{$name} = _field_from_wire($field, $record->{$name});
        } elsif (!$field->{nullable}) {
            _field_from_wire($field, undef);
        }
    }
    return if $told == keys $record->%*;
    for my $key (grep { !$result->{known}->{$_} } keys $record->%*) {
        $record->{$key} = _decoded_tree($record->{$key});
    }
    return;
}

# How a frame that answers with a list may be read at once, undef if the method answers with none.
sub list_of ($method) {
    my $result = $method->{result};
    return if $result->{shape} ne 'list' || $method->{in_out}->@*;
    return $method->{list}
        //= { result => $result, one => sub ($record) { _record_from_wire($result, $record) } };
}

sub _field_from_wire ($field, $wire) {
    my $value = _from_wire($field, $wire);
    _bad('BAD_RESULT', ($field->{name} ? "'$field->{name}'" : 'it') . ' must not be nil')
        if !defined($value) && !$field->{nullable};

    # Where PVE's own classes answer with a word or undef.
    return $value ? $field->{true} : undef if defined($field->{true});
    return $value;
}

sub _decoded_tree ($wire) {
    return { map { $_ => _decoded_tree($wire->{$_}) } keys $wire->%* } if ref($wire) eq 'HASH';
    return [map { _decoded_tree($_) } $wire->@*] if ref($wire) eq 'ARRAY';
    return defined($wire) ? _decoded($wire) : undef;
}

sub _from_wire ($type, $wire) {
    return undef if !defined($wire); ## no critic (ProhibitExplicitReturnUndef)
    if ($type->{list}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be a list, got ' . _shown($wire))
            if ref($wire) ne 'ARRAY';
        my $element = { kind => $type->{kind} };
        return [map { _from_wire($element, $_) } $wire->@*];
    }
    my $kind = $type->{kind};
    if ($TEXT{$kind}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be text, got ' . _shown($wire)) if ref($wire);
        _text($wire) if $wire =~ m/[^\x00-\x7f]/;
        return $wire;
    } elsif ($CHARACTERS{$kind}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be text, got ' . _shown($wire)) if ref($wire);
        return _decoded($wire);
    } elsif ($LARGEST{$kind}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be an integer, got ' . _shown($wire))
            if ref($wire) || $wire !~ m/\A\d+\z/;
        return $wire;
    } elsif ($kind eq 'bool') {
        _bad('BAD_PARAMETER', _what($type) . ' must be a boolean, got ' . _shown($wire))
            if !(blessed($wire) && $wire->isa('Data::MessagePack::Boolean'));
        return $wire ? 1 : 0;
    } elsif ($kind eq 'cache') {
        _bad('BAD_PARAMETER', _what($type) . ' must be text, got ' . _shown($wire)) if ref($wire);
        return Tenon::Cache::of_id($wire);
    } elsif ($kind eq 'callback') {
        return sub (@args) {
            return Tenon::Base::callback($wire, @args);
        };
    } elsif ($kind eq 'snapshots') {
        return ref($wire) eq 'ARRAY' ? $wire : $wire ? 1 : 0;
    } elsif ($kind eq 'json') {
        return _json_from_wire($wire);
    } elsif ($kind eq 'stream') {
        _bad('BAD_PARAMETER', _what($type) . ' must be text, got ' . _shown($wire)) if ref($wire);
        return Tenon::Descriptors::handle_of($wire, $type->{access});
    } elsif ($kind eq 'disks') {
        return Tenon::Disks::from_wire($wire);
    } elsif ($IS_MAP{$kind}) {
        _bad('BAD_PARAMETER', _what($type) . ' must be a map, got ' . _shown($wire))
            if ref($wire) ne 'HASH';
        return { map { $_ => defined($wire->{$_}) ? _decoded($wire->{$_}) : undef } keys $wire->%* }
            if $kind eq 'secrets';
    }
    return $wire;
}

# ---- words

sub _what ($type) {
    return $type->{where} // "a value of type $type->{kind}";
}

sub _shown ($value) {
    return 'undef' if !defined($value);
    my $type = reftype($value);
    return blessed($value) ? 'an object of ' . blessed($value) : 'a reference to ' . $type if $type;
    my $text = "$value" =~ s/[^ -~]/?/gr;
    return "'" . (length($text) > 80 ? substr($text, 0, 80) . '...' : $text) . "'";
}

sub _bad ($name, $message) {
    Tenon::Error->throw($name, $name eq 'BAD_RESULT' ? 'UNKNOWN' : 'NOT_STARTED', $message);
    return;
}

1;

__END__

=head1 NAME

Tenon::Schema - Perl values to wire values and back, as the method table says

=head1 SYNOPSIS

    my $params = Tenon::Schema::params_to_wire($api, $method, 13, \@args);
    my $args = Tenon::Schema::params_from_wire($api, $method, 9, $params);

=head1 DESCRIPTION

What a Perl scalar looks like says nothing about its type: a number that was printed once is text to the packer. So the
type always comes from the table. Sizes may arrive as text or floats, truth values as anything, lists too short; all
leave here in one shape. Text that people write (C<chars> and the values of C<secrets>) is characters in Perl, whatever
form Perl keeps them in; all other text is octets, as file names are.

=head1 FUNCTIONS

=head2 params_to_wire

    my $params = Tenon::Schema::params_to_wire($api, $method, $level, \@args);

The named parameters of a positional list. Missing trailing arguments are left out. Throws C<BAD_PARAMETER>,
C<BAD_TEXT>.

=head2 params_from_wire

    my $args = Tenon::Schema::params_from_wire($api, $method, $level, \%params);

The positional list for a plugin of this level, with exactly the arguments the level defines. Throws
C<BAD_PARAMETER>.

=head2 result_to_wire

    my $wire = Tenon::Schema::result_to_wire($method, \@values, $storeid, $may_pack);

What a plugin returned, normalised; if it may be, a long list comes packed, from L<Tenon::Records>. Throws C<BAD_RESULT>, C<BAD_TEXT>, both C<UNKNOWN>. A value that need not be there and
cannot be what its field is, is left out, and so is an entry of a listing without a name; either is told in a warning.

=head2 result_from_wire

    return Tenon::Schema::result_from_wire($method, $wire, wantarray);

What a caller gets, as a list or a scalar. Throws C<BAD_RESULT>, C<BAD_TEXT>, both C<UNKNOWN>.

=head2 answer_from_wire

    return Tenon::Schema::answer_from_wire($api, $method, \@args, $wire, wantarray, $is_read);

The same of a whole answer, unless it has been read with its frame: what the plugin changed in place is put into the caller's own hashes and arrays first.

=head2 list_of

    my $list = Tenon::Schema::list_of($method);

What L<Tenon::Records> needs to read an answer of the method; undef if that is no list.

=head2 before

    my $before = Tenon::Schema::before($method, \%params);

What the parameters that may be changed in place are, before the plugin is called.

=head2 changed_to_wire

    my $changed = Tenon::Schema::changed_to_wire($api, $method, $level, $before, \@args);

Those that the plugin has changed since, by name.

=head2 apply_changed

    Tenon::Schema::apply_changed($api, $method, $level, \@args, $changed);

Puts them into the hashes and arrays that the caller passed; what is equal stays as it is.

=head2 prepare

    Tenon::Schema::prepare($type);

Notes in a row of the table what the functions here ask of its type for every value.

=head2 tree

    my $wire = Tenon::Schema::tree($value);

Maps, lists, text and undef of a Perl structure; numbers become text, booleans 0 and 1.

=cut
