package Tenon::Names;

use v5.36;

use mro ();

use Tenon::Api;

my %FILES = map { $_ => $_ } qw(qcow2 raw subvol vmdk);

sub FORMAT_EXTENSION ($class) {
    return {%FILES};
}

sub is_valid_format ($class, $format) {
    return exists($class->FORMAT_EXTENSION->{ $format // '' });
}

sub get_format_extension ($class, $format) {
    return $class->FORMAT_EXTENSION->{ $format // '' };
}

sub get_parsed_format ($class, $name) {
    return undef if !_has_extension($name); ## no critic (ProhibitExplicitReturnUndef)
    return (PVE::Storage::Plugin::parse_name_dir($name))[1];
}

sub volname_with_format ($class, $name, $format) {
    my $extension = $class->get_format_extension($format) // '';
    $name =~ s/\.[^.]+\z//;
    return length($extension) ? "$name.$extension" : $name;
}

sub volname_for_format ($class, $name, $format, $strict = undef) {
    die "unsupported format '$format'\n" if !$class->is_valid_format($format);
    my $told = $class->get_parsed_format($name);
    return $name if defined($told) && $told eq $format;

    my $adapted = $class->volname_with_format($name, $format);
    die "illegal name $name - volume name does not match requested format '$format'"
        . " (did you mean '$adapted'?)\n"
        if $strict || _has_extension($name);
    die "illegal name '$name' - adapted name '$adapted' is not a valid '$format' volume name\n"
        if ($class->get_parsed_format($adapted) // '') ne $format;
    warn "volume name '$name' is missing the '.$format' extension - allocating '$adapted'\n";
    return $adapted;
}

sub _has_extension ($name) {
    return $name =~ m/\.[^.]+\z/;
}

# ---- where PVE's own types differ

package Tenon::Names::Device {
    use parent -norequire, 'Tenon::Names';

    sub FORMAT_EXTENSION ($class) {
        return { raw => '' };
    }

    # A device's name may end in anything; only a known format counts.
    sub get_parsed_format ($class, $name) {
        $class->parse_volname($name);
        my ($extension) = $name =~ m/\.([^.]+)\z/;
        return $FILES{ $extension // '' } // 'raw';
    }
}

package Tenon::Names::LVM {
    use parent -norequire, 'Tenon::Names::Device';

    sub FORMAT_EXTENSION ($class) {
        return { raw => '', qcow2 => 'qcow2' };
    }
}

package Tenon::Names::ZFSPool {
    use parent -norequire, 'Tenon::Names';

    my %PREFIXES = (
        raw => { basevol => 'base', subvol => 'vm' },
        subvol => { base => 'basevol', vm => 'subvol' });

    sub FORMAT_EXTENSION ($class) {
        return { raw => 'raw', subvol => 'subvol' };
    }

    sub get_parsed_format ($class, $name) {
        return ($class->parse_volname($name))[6];
    }

    sub volname_with_format ($class, $name, $format) {
        my $other = $PREFIXES{$format} // {};
        return $name =~ s{\A((?:base(?:vol)?-\d+-\S+/)?)(base|basevol|vm|subvol)(?=-\d+-\S+\z)}
            {$1 . ($other->{$2} // $2)}er;
    }

    # The prefix is never adapted.
    sub volname_for_format ($class, $name, $format, $strict = undef) {
        return $class->Tenon::Names::volname_for_format($name, $format, 1);
    }
}

package Tenon::Names::ZFS {
    use parent -norequire, 'Tenon::Names::ZFSPool';

    sub FORMAT_EXTENSION ($class) {
        return { raw => 'raw' };
    }
}

package Tenon::Names;

my %OF_TYPE = (
    'PVE::Storage::LVMPlugin' => 'Tenon::Names::LVM',
    'PVE::Storage::LvmThinPlugin' => 'Tenon::Names::Device',
    'PVE::Storage::RBDPlugin' => 'Tenon::Names::Device',
    'PVE::Storage::ZFSPlugin' => 'Tenon::Names::ZFS',
    'PVE::Storage::ZFSPoolPlugin' => 'Tenon::Names::ZFSPool',
    'PVE::Storage::Plugin' => 'Tenon::Names',
);

my @METHODS = grep { Tenon::Api->load->method($_)->{declared} } Tenon::Api->load->method_names;

# The level whose base class has these methods itself.
sub came_with () {
    return Tenon::Api->load->method('volname_for_format')->{since};
}

# Whether the host's base class knows how names tell formats. Its number is no proof: a fork may have another one.
sub is_known () {
    return !!PVE::Storage::Plugin->can('volname_for_format');
}

# What this process says of its host in a hello: what the base class can, where that changes what a call means. A process
# without PVE says nothing.
sub abilities () {
    return if !$INC{'PVE/Storage/Plugin.pm'};
    return (abilities => [is_known() ? 'volname_for_format' : ()]);
}

# Gives PVE's classes what they lack, so that a plugin finds it while it is compiled. Returns what takes it away again.
sub install () {
    return sub { }
        if is_known();
    my @installed;
    for my $package (sort keys %OF_TYPE) {
        next if !$package->can('parse_volname');
        no strict 'refs'; ## no critic (ProhibitNoStrict)
        for my $name (grep { !defined(&{"${package}::$_"}) } @METHODS) {
            *{"${package}::$name"} = $OF_TYPE{$package}->can($name);
            push @installed, [$package, $name];
        }
    }
    return sub {
        no strict 'refs'; ## no critic (ProhibitNoStrict)
        delete ${"$_->[0]::"}{ $_->[1] } for @installed;
        mro::method_changed_in('PVE::Storage::Plugin');
    };
}

# Lets one plugin inherit what the host's base class lacks, without changing a class of PVE's.
sub inherit ($plugin) {
    return if is_known();
    my @classes = mro::get_linear_isa($plugin)->@*;
    my ($of_type) = map { $OF_TYPE{$_} // () } @classes;
    for my $class (@classes) {
        last if $class =~ m/\APVE::Storage::\w+\z/;
        no strict 'refs'; ## no critic (ProhibitNoStrict)
        push @{"${class}::ISA"}, $of_type // __PACKAGE__;
    }
    return;
}

1;

__END__

=head1 NAME

Tenon::Names - how names of images tell their formats, where PVE's base class does not know

=head1 SYNOPSIS

    Tenon::Names::install();
    my $name = $plugin->volname_for_format('vm-100-cloudinit', 'qcow2');

=head1 DESCRIPTION

With API level 16 the base class of storage plugins got six methods about the bare names of images. A plugin that counts on
them finds these on an older host and in Tenon's compat layer. For PVE's own types, of which a plugin may be derived, they
say what those say: block devices need no extension for raw, and names of ZFS tell the format by their prefix.

=head1 METHODS

=head2 FORMAT_EXTENSION

A new hash of format to extension, without the dot; empty for none.

=head2 is_valid_format, get_format_extension

    my $is = $class->is_valid_format($format);
    my $extension = $class->get_format_extension($format);

The extension is undef for a format that the class does not have.

=head2 get_parsed_format

    my $format = $class->get_parsed_format($name);

Undef if the name has no extension, in which case nothing else was checked. Dies of a name that the class does not have.

=head2 volname_with_format

    my $name = $class->volname_with_format($name, $format);

=head2 volname_for_format

    my $name = $class->volname_for_format($name, $format, $strict);

The name to use for an image of this format. Dies if the class has no such format or the name tells another. A name without
an extension gets that of the format, with a warning, unless C<$strict> is true.

=head1 FUNCTIONS

=head2 came_with

The API level whose base class has these methods.

=head2 is_known

Whether PVE's base class has these methods.

=head2 abilities

    my %fact = Tenon::Names::abilities();

The fact C<abilities> of a hello, or nothing.

=head2 install

    my $remove = Tenon::Names::install();

Adds what is missing to PVE's classes, for a process that exists for one plugin. The function takes it away again: a plugin
of an older level finds what its own host has.

=head2 inherit

    Tenon::Names::inherit($class);

Adds it to the classes of one plugin alone, for a process of the host.

=cut
