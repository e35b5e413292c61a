package PVE::SectionConfig;

use v5.36;

use Carp qw(croak);

use PVE::JSONSchema;

sub private {
    die 'overwrite me';
}

sub type {
    die 'overwrite me';
}

sub options {
    return {};
}

sub plugindata {
    return {};
}

sub properties {
    return {};
}

sub register {
    my ($class) = @_;

    my $type = $class->type;
    my $private = $class->private;
    croak "duplicate plugin registration (type = $type)" if defined($private->{plugins}->{$type});
    $private->{plugindata}->{$type} = $class->plugindata;
    $private->{plugins}->{$type} = $class;
    return;
}

sub lookup {
    my ($class, $type) = @_;

    croak 'cannot lookup undefined type!' if !defined($type);
    return $class->private->{plugins}->{$type} // die "unknown section type '$type'\n";
}

sub lookup_types {
    my ($class) = @_;

    return [sort keys $class->private->{plugins}->%*];
}

# PVE dies if a property is declared twice. Here the plugin must still load; what a real host would say is kept in
# {duplicates}, and each type has the property that it declares itself.
sub init {
    my ($class) = @_;

    my $private = $class->private;
    my $base = $private->{'base-property-list'} //= { $private->{propertyList}->%* };
    my %list = $base->%*;
    my (%options, %own, @duplicates);
    for my $type ($class->lookup_types->@*) {
        my $properties = $private->{plugins}->{$type}->properties;
        for my $name (sort keys $properties->%*) {
            push @duplicates, { property => $name, type => $type } if defined($list{$name});
            $own{$type}->{$name} = { $properties->{$name}->%*, optional => 1 };
            $list{$name} //= $own{$type}->{$name};
        }
    }
    for my $type ($class->lookup_types->@*) {
        my $used = $private->{plugins}->{$type}->options;
        for my $name (sort keys $used->%*) {
            die "undefined property '$name': the type '$type' has it as an option,"
                . " and no plugin that is loaded declares it\n"
                if !defined($list{$name});
        }
        $options{$type} = $used;
    }
    $list{type} = { $list{type}->%*, enum => $class->lookup_types } if $list{type};
    $private->{propertyList} = \%list;
    $private->{'own-properties'} = \%own;
    $private->{options} = \%options;
    $private->{duplicates} = \@duplicates;
    return;
}

# A plugin that is hosted alone is registered, but nothing calls init before its first section.
sub _private_of ($class, $type) {
    my $private = $class->private;
    $class->lookup($type);
    $class->init if !$private->{options} || !$private->{options}->{$type};
    return $private;
}

# ---- sections

sub parse_section_header {
    my ($class, $line) = @_;

    my ($type, $id) = $line =~ m/\A(\S+):\s*(\S+)\s*\z/
        or return undef; ## no critic (ProhibitExplicitReturnUndef)
    return (lc($type), $id, undef, {});
}

sub format_section_header {
    my ($class, $type, $id, $config, $done) = @_;

    return "$type: $id\n";
}

sub decode_value {
    my ($class, $type, $key, $value) = @_;

    return $value;
}

sub encode_value {
    my ($class, $type, $key, $value) = @_;

    return $value;
}

my %NUMERIC = map { $_ => 1 } qw(boolean integer number);

sub check_value {
    my ($class, $type, $key, $value, $id, $skip_schema_check) = @_;

    my $private = _private_of($class, $type);
    return $value if $key eq 'type' && defined($value) && $value eq $type;
    die "unexpected property '$key'\n" if !$private->{options}->{$type}->{$key};
    my $schema = $private->{'own-properties'}->{$type}->{$key} // $private->{propertyList}->{$key}
        // die "unknown property type\n";
    die "got undefined value\n" if !defined($value);
    die "property contains a line feed\n" if $value =~ m/[\n\r]/;
    PVE::JSONSchema::check_value($schema, $value) if !$skip_schema_check;

    no warnings 'numeric';
    return $NUMERIC{ $schema->{type} // '' } ? $value + 0 : $value;
}

sub check_config {
    my ($class, $id, $config, $create, $skip_schema_check) = @_;

    my $type = $class->type;
    my $options = _private_of($class, $type)->{options}->{$type};
    my %settings = (type => $type);
    for my $key (sort keys $config->%*) {
        my $value = $config->{$key};
        die "can't change value of fixed parameter '$key'\n"
            if !$create && $options->{$key} && $options->{$key}->{fixed};
        die "got undefined value for option '$key'\n" if !defined($value);
        $value = $class->check_value($type, $key, $value, $id, $skip_schema_check);
        $value = $class->decode_value($type, $key, $value);

        # A format that the type does not have is left out, with a warning.
        $settings{$key} = $value if defined($value);
    }
    if ($create) {
        for my $key (sort keys $options->%*) {
            next if $options->{$key}->{optional} || defined($settings{$key});
            die "missing value for required option '$key'\n";
        }
    }
    return \%settings;
}

# ---- schemas

sub createSchema { ## no critic (Capitalization)
    my ($class) = @_;

    $class->init if !$class->private->{options};
    return _object($class->private->{propertyList}->%*);
}

sub updateSchema { ## no critic (Capitalization)
    my ($class) = @_;

    my $private = $class->private;
    $class->init if !$private->{options};
    my %all = $private->{propertyList}->%*;
    my %changeable;
    for my $options (values $private->{options}->%*) {
        $changeable{$_} = 1 for grep { !$options->{$_}->{fixed} } keys $options->%*;
    }
    my %properties = map { $_ => { $all{$_}->%*, optional => 1 } } keys %changeable;
    for my $key (grep { $_ ne 'type' && !$all{$_}->{optional} } keys %all) {
        $properties{$key} = $all{$key};
    }
    $properties{delete} = {
        type => 'string',
        format => 'pve-configid-list',
        maxLength => 4096,
        optional => 1,
        description => 'Settings to remove.',
    };
    $properties{digest} = PVE::JSONSchema::get_standard_option('pve-config-digest');
    return _object(%properties);
}

sub _object (%properties) {
    return { type => 'object', additionalProperties => 0, properties => \%properties };
}

1;

__END__

=head1 NAME

PVE::SectionConfig - the registry of plugin types

=head1 SYNOPSIS

    My::Plugin->register;
    PVE::Storage::Plugin->init;
    my $class = PVE::Storage::Plugin->lookup('mytype');

=head1 DESCRIPTION

Part of Tenon's compat layer: types, their metadata and their properties, and the check of a section.
Reading and writing whole configuration files is the Java core's; C<parse_config> and
C<write_config> do not exist here.

=head1 METHODS

=head2 type, plugindata, properties, options, private

What a plugin class overrides. C<type> and C<private> die if it does not.

=head2 register

Adds the class under its type; dies if the type is taken.

=head2 lookup, lookup_types

    my $class = $base->lookup($type);
    my $types = $base->lookup_types;

=head2 init

Merges the properties of all registered types. An option that no property declares dies, as in PVE.
A property that is declared twice would die there too; here it is only listed in C<<
$base->private->{duplicates} >>, as hashes with C<property> and C<type>, and each type has its own.

=head2 check_config

    my $scfg = $class->check_config($id, \%config, $create, $skip_schema_check);

The decoded section, a new hash with C<type>. Dies if an option is not one of the type's, if one is fixed and C<$create> is
false, if a required one is missing and C<$create> is true, or if a value is undefined. Unless C<$skip_schema_check> is true,
values are checked against the property.

=head2 check_value, decode_value, encode_value

    my $value = $class->check_value($type, $key, $value, $id, $skip_schema_check);

One value: checked, with numbers and booleans as numbers; from its text; to its text.

=head2 parse_section_header, format_section_header

    my ($type, $id, $error, $config) = $class->parse_section_header($line);
    my $line = $class->format_section_header($type, $id, \%config, \%done);

=head2 createSchema, updateSchema

The properties of all registered types as a schema of an object. PVE's own types name no options here, so what only they use
is missing in C<updateSchema>.

=cut
