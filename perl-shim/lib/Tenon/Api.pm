package Tenon::Api;

use v5.36;

use JSON::PP ();

use Tenon::Error;
use Tenon::Schema;

my %LOADED;

sub load ($class, $name = 'storage-plugin') {
    return $LOADED{$name} //= $class->read(Tenon::Error::resource("$name.json"));
}

sub read ($class, $file) { ## no critic (ProhibitBuiltinHomonyms)
    open(my $fh, '<:raw', $file) or die "cannot read the method table '$file': $!\n";
    my $json = do { local $/ = undef; <$fh> };
    my $table = JSON::PP->new->utf8->decode($json);

    my (@names, %methods);
    for my $row ($table->{methods}->@*) {
        push @names, $row->{name};
        _parse_types($row->{params});
        my $result = $row->{result};
        if ($result->{shape} eq 'tuple') {
            _parse_types($result->{fields});
        } elsif ($result->{shape} eq 'list') {
            my $record = $table->{records}->{ $result->{type} };
            _parse_types($record->{fields});
            $result->{fields} = $record->{fields};
            $result->{names} = [map { $_->{name} } $record->{fields}->@*];
            $result->{other} = $record->{other};
            $result->{known} = { map { $_->{name} => 1 } $record->{fields}->@* };
        } elsif ($result->{shape} eq 'value') {
            _parse_type($result);
            $result->{in_list} = $result->{list} && $row->{context} eq 'list';
        }
        $_->{where} = "$row->{name}: the parameter '$_->{name}'" for $row->{params}->@*;
        $row->{param} = { map { $_->{name} => $_ } $row->{params}->@* };
        $row->{flat} = grep { m/%/ } map { $_->@* } values $row->{positions}->%*;
        $row->{has_stream} = grep { $_->{kind} eq 'stream' } $row->{params}->@*;
        $row->{has_files} = $row->{has_stream} || grep { $_->{kind} eq 'disks' } $row->{params}->@*;
        $row->{has_bytes} = grep { $_->{kind} eq 'bytes' } $row->{params}->@*;
        $row->{in_out} = [grep { $_->{inout} } $row->{params}->@*];
        $row->{required} = [grep { !$_->{nullable} } $row->{params}->@*];
        $row->{levels} = [sort { $b <=> $a } keys $row->{positions}->%*];
        $methods{ $row->{name} } = $row;
    }

    return bless {
        name => $table->{api},
        methods => \%methods,
        names => \@names,
        oldest => $table->{levels}->{oldest},
        newest => $table->{levels}->{newest},
    }, $class;
}

sub _parse_types ($params) {
    _parse_type($_) for $params->@*;
    return;
}

sub _parse_type ($param) {
    return if $param->{kind};
    my ($list, $kind, $nullable) = $param->{type} =~ m/\A(list<)?([a-z]+)>?(\?)?\z/
        or die "the method table names the unknown type '$param->{type}'\n";
    $param->{kind} = $kind;
    $param->{list} = $list ? 1 : 0;
    $param->{nullable} = $nullable ? 1 : 0;
    Tenon::Schema::prepare($param);
    return;
}

sub method ($self, $name) {
    return $self->{methods}->{$name} // Tenon::Error->throw(
        'UNKNOWN_METHOD',
        'NOT_STARTED',
        "the method '"
            . ($name =~ s/[^ -~]/?/gr)
            . "' is in no API level from $self->{oldest} to $self->{newest}",
    );
}

sub method_names ($self) {
    return $self->{names}->@*;
}

sub name ($self) {
    return $self->{name};
}

sub newest ($self) {
    return $self->{newest};
}

sub oldest ($self) {
    return $self->{oldest};
}

sub positions ($self, $method, $level) {
    for my $since ($method->{levels}->@*) {
        return $method->{positions}->{$since} if $since <= $level;
    }
    return $method->{positions}->{ $method->{levels}->[-1] };
}

# The parameters themselves, in the order of the positions.
sub params_at ($self, $method, $level) {
    return $method->{at}->{$level}
        //= [map { $method->{param}->{s/\A%//r} } $self->positions($method, $level)->@*];
}

1;

__END__

=head1 NAME

Tenon::Api - the table of methods

=head1 SYNOPSIS

    my $api = Tenon::Api->load;
    my $method = $api->method('alloc_image');
    my $order = $api->positions($method, 13);

=head1 DESCRIPTION

Reads the same file as the Java side: one row a method, with its named parameters, the order in which each API level
passes them, the Perl context, and the shape of the answer.

=head1 METHODS

=head2 load

    my $api = Tenon::Api->load;

    my $api = Tenon::Api->load($name);

The table of an API, by default of the storage plugin API; read once in a process. Dies if the file is missing.

=head2 method

    my $method = $api->method($name);

A row, as a hash reference. Throws C<UNKNOWN_METHOD>.

=head2 method_names

    my @names = $api->method_names;

All rows, in the order of the file.

=head2 name

The name of the API.

=head2 newest, oldest

The range of API levels.

=head2 read

    my $api = Tenon::Api->read($file);

The table in another file. Dies if it cannot be read.

=head2 params_at

    my $params = $api->params_at($method, $level);

The rows of the parameters in the order of the positions, as an array reference.

=head2 positions

    my $names = $api->positions($method, $level);

The names of the parameters in the order in which a host or plugin of this level passes them, as an array reference. A
level before the first that the table names is like that one.

=cut
