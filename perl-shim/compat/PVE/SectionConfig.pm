package PVE::SectionConfig;

use v5.36;

use Carp qw(croak);

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

# PVE dies of a property that is declared twice. Here the plugin must load all the same; what a real
# host would say is kept in {duplicates}.
sub init {
    my ($class) = @_;

    my $private = $class->private;
    my $base = $private->{'base-property-list'} //= { $private->{propertyList}->%* };
    my %list = $base->%*;
    my (%options, @duplicates);
    for my $type ($class->lookup_types->@*) {
        my $plugin = $private->{plugins}->{$type};
        my $own = $plugin->properties;
        for my $name (sort keys $own->%*) {
            push @duplicates, { property => $name, type => $type } if defined($list{$name});
            $list{$name} //= { $own->{$name}->%*, optional => 1 };
        }
    }
    for my $type ($class->lookup_types->@*) {
        my $used = $private->{plugins}->{$type}->options;
        for my $name (sort keys $used->%*) {
            croak "undefined property '$name'" if !defined($list{$name});
        }
        $options{$type} = $used;
    }
    $list{type} = { $list{type}->%*, enum => $class->lookup_types } if $list{type};
    $private->{propertyList} = \%list;
    $private->{options} = \%options;
    $private->{duplicates} = \@duplicates;
    return;
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

Part of Tenon's compat layer: types, their metadata and their properties. Reading and writing
configuration files is the Java core's; C<parse_config>, C<check_config> and their kin do not exist
here.

=head1 METHODS

=head2 type, plugindata, properties, options, private

What a plugin class overrides. C<type> and C<private> die if it does not.

=head2 register

Adds the class under its type; a taken type dies.

=head2 lookup, lookup_types

    my $class = $base->lookup($type);
    my $types = $base->lookup_types;

=head2 init

Merges the properties of all registered types. An option that no property declares dies, as in PVE.
A property that is declared twice would die there too; here it is only listed in C<<
$base->private->{duplicates} >>, as hashes with C<property> and C<type>.

=cut
