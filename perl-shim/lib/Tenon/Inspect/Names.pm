package Tenon::Inspect::Names;

use v5.36;

use File::Basename qw(dirname);

my $NAMES;

# Every class has these.
my %UNIVERSAL = map { $_ => 1 } qw(DOES VERSION can import isa unimport);

sub load ($class) {
    return $NAMES //= $class->_read(dirname(__FILE__) . '/pve-names.txt');
}

sub _read ($class, $file) {
    open(my $fh, '<', $file) or die "cannot read the names of PVE '$file': $!\n";
    my %self = (
        types => {},
        properties => {},
        functions => {},
        exports => {},
        'exports-by-default' => {});
    my $add;
    local $/ = "\n";
    while (my $line = <$fh>) {
        chomp($line);
        next if $line =~ m/\A(?:#|\z)/;
        my @names = split(' ', $line);
        if ($line =~ m/\A\s/) {
            $add->($_) for @names;
            next;
        }
        my ($kind, $of) = @names;
        my $table = $self{$kind} // die "'$file' has the unknown heading '$kind'\n";
        if ($of =~ m/\A(\d+)-(\d*)\z/) {
            my @levels = ($1, $2);
            $add = sub ($name) { $table->{$name} = [@levels] };
        } else {
            $add = sub ($name) { $table->{$of}->{$name} = 1 };
        }
    }
    close($fh);
    return bless \%self, $class;
}

sub modules ($self) {
    return (sort { $a cmp $b } keys $self->{functions}->%*);
}

sub functions ($self, $module) {
    return (sort { $a cmp $b } keys $self->{functions}->{$module}->%*);
}

sub exports ($self, $module, $by_default = 0) {
    return (
        sort { $a cmp $b }
            keys $self->{ $by_default ? 'exports-by-default' : 'exports' }->{$module}->%*
    );
}

sub is_module ($self, $module) {
    return defined($self->{functions}->{$module});
}

# The plugin classes inherit from the base class, and that from the section configuration.
sub has_function ($self, $module, $name) {
    return 1 if $UNIVERSAL{$name};
    my @modules = ($module);
    push @modules, 'PVE::Storage::Plugin' if $self->is_plugin_class($module);
    push @modules, 'PVE::SectionConfig' if $modules[-1] eq 'PVE::Storage::Plugin';
    return !!grep { $self->{functions}->{$_}->{$name} } @modules;
}

sub is_plugin_class ($self, $module) {
    return $module =~ m/\APVE::Storage::\w+Plugin\z/;
}

sub is_exported ($self, $module, $name) {
    return $self->{exports}->{$module}->{$name}
        || $self->{'exports-by-default'}->{$module}->{$name};
}

sub is_core_type ($self, $name, $level) {
    return _holds($self->{types}->{$name}, $level);
}

# On a host of any level; some were only in the list of shared types, or came with packages of their own.
sub was_core_type ($self, $name) {
    return $self->{types}->{$name} || $name =~ m/\A(?:drbd|nvmeof|sheepdog)\z/;
}

sub is_core_property ($self, $name, $level) {
    return _holds($self->{properties}->{$name}, $level);
}

sub _holds ($levels, $level) {
    return $levels && $levels->[0] <= $level && ($levels->[1] eq '' || $level <= $levels->[1]);
}

1;

__END__

=head1 NAME

Tenon::Inspect::Names - which names PVE's Perl interface has

=head1 SYNOPSIS

    my $names = Tenon::Inspect::Names->load;
    $names->has_function('PVE::Tools', 'run_command');
    $names->is_core_property('password', 15);

=head1 DESCRIPTION

Reads F<pve-names.txt>: the functions and methods that a module of PVE has, or had in some release, with what it exports
today, and the storage types and properties of a host of each API level.

=head1 METHODS

=head2 load

    my $names = Tenon::Inspect::Names->load;

=head2 modules, functions, exports

    my @modules = $names->modules;
    my @functions = $names->functions($module);
    my @exports = $names->exports($module, $by_default);

=head2 is_module, is_plugin_class, has_function, is_exported

Whether the module is in the table, is a class of a storage type, has or had the function, itself or by inheritance, and
exports it.

=head2 is_core_type, was_core_type, is_core_property

    my $is = $names->is_core_property($name, $level);

=cut
