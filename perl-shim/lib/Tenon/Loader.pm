package Tenon::Loader;

use v5.36;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);

use Tenon::Api;

# The absolute path of a plugin file and the packages that it declares.
sub find ($file) {
    my @packages = packages(source($file));
    die "the plugin file '$file' declares no package\n" if !@packages;
    return (abs_path($file), @packages);
}

sub source ($file) {
    -e $file or die "the plugin file '$file' does not exist\n";
    -f $file or die "the plugin file '$file' is no regular file\n";
    open(my $fh, '<', $file) or die "the plugin file '$file' cannot be read: $!\n";
    return do { local $/ = undef; <$fh> }
        // '';
}

sub packages ($source) {
    return $source =~ m/^\s*package\s+([A-Za-z_]\w*(?:::\w+)*)/mg;
}

# With PVE's own libraries only the wanted plugin may be compiled: PVE::Storage loads all that are installed, and one bad
# neighbour, or our own proxy, would end this process.
sub load_pve ($pve_lib, $path) {
    unshift @INC, $pve_lib if defined($pve_lib);
    my $compat = abs_path(dirname(__FILE__) . '/../../compat');
    push @INC, $compat if defined($compat);
    my $quiet = sub ($self, $name) {
        return if $name !~ m{\APVE/Storage/Custom/};
        my $source = '1;';
        open(my $fh, '<', \$source) or die "cannot skip $name: $!\n";
        return $fh;
    };
    {
        local @INC = ($quiet, @INC);
        local $SIG{__WARN__} = sub ($text) {
            warn $text
                if $text !~ m{Error loading storage plugin|implementing an older storage API};
        };
        require PVE::Storage;
        require PVE::Storage::Plugin;
    }

    # The proposed name of the base class, which PVE's own libraries do not know.
    *PVE::Storage::PluginBase:: = *PVE::Storage::Plugin:: if !PVE::Storage::PluginBase->can('path');
    delete $INC{$_} for grep { m{\APVE/Storage/Custom/} } keys %INC;
    $INC{ 'PVE/Storage/Custom/' . basename($path) } = $path;
    my $base = abs_path($INC{'PVE/Storage/Plugin.pm'});
    return $base =~ m{\A\Q$compat\E/} ? 'compat' : $base;
}

# Perl's complaint about the file, in one line; nothing if it compiled. One of PVE's own is in memory already.
sub compile ($path) {
    return if is_loaded($path);
    return if eval { local $SIG{__DIE__}; require $path; };
    return one_line($@ || "it returns a false value; a plugin file ends in '1;'");
}

sub is_loaded ($path) {
    for my $file (map { $INC{$_} } grep { !m{\APVE/Storage/Custom/} } keys %INC) {
        return 1 if defined($file) && !ref($file) && (abs_path($file) // '') eq $path;
    }
    return 0;
}

# PVE's own classes have no api(), since they are never older than PVE.
sub is_pves_own ($package) {
    return $package =~ m/\APVE::Storage::(?!Custom::)\w+\z/ && !$package->can('api');
}

# For a copy of one of PVE's own classes, which registers what PVE has registered.
sub compile_again ($path) {
    my $register = PVE::JSONSchema->can('register_format') // return compile($path);
    no warnings qw(redefine prototype);
    local *PVE::JSONSchema::register_format = sub (@args) {
        return if PVE::JSONSchema::get_format($args[0]);
        return $register->(@args);
    };
    local $SIG{__WARN__} =
        sub ($text) { warn $text if $text !~ m/\A(?:Subroutine|Constant subroutine) \S+ redefined/ };
    return compile($path);
}

# The plugin's class among the packages of its file; nothing if none is derived from the base class.
sub plugin_class (@packages) {
    my @derived =
        grep { $_->isa('PVE::Storage::Plugin') || $_->isa('PVE::Storage::PluginBase') } @packages;
    return $derived[-1];
}

sub overrides ($package, $name) {
    my $own = $package->can($name) // return 0;
    my $inherited = PVE::Storage::Plugin->can($name) // return 1;
    return $own != $inherited;
}

# The methods of the API that the class implements itself. Some count only if it declares their level: an older plugin may
# have a sub of that name that is something else.
sub own_methods ($package, $level) {
    my $api = Tenon::Api->load;
    return grep {
        my $method = $api->method($_);
        overrides($package, $_) && (!$method->{declared} || $method->{since} <= $level);
    } $api->method_names;
}

# Perl tells where it looked and who asked, which is this file; what is missing stands in the first line.
sub one_line ($err) {
    my ($first, @rest) = split(m/\s*\n\s*/, "$err");
    $first =~ s/ \(\@INC (?:[^()]|\([^()]*\))*\)//;
    $first =~ s/, <\w*> (?:line|chunk) \d+\.\z/./; # of a file that somebody else read
    $first =~ s{ at \S*/Tenon/(?:Loader|Sidecar)\.pm line \d+\.\z}{};

    # Perl 5.40 has one more line for what all lines before it say.
    my $nothing_new =
        qr/^(?:BEGIN failed|Compilation failed|Execution of .* aborted due to compilation errors)/;
    return join('; ', $first, grep { $_ !~ $nothing_new } @rest);
}

1;

__END__

=head1 NAME

Tenon::Loader - compiles one plugin file as PVE would

=head1 SYNOPSIS

    my ($path, @packages) = Tenon::Loader::find($file);
    my $pve = Tenon::Loader::load_pve($pve_lib, $path);
    if (defined(my $complaint = Tenon::Loader::compile($path))) { ... }
    my $class = Tenon::Loader::plugin_class(@packages);

=head1 DESCRIPTION

For a process that exists for one plugin: it loads PVE's modules, from PVE or from the compat layer, without any other
plugin that is installed, and then the file, unmodified.

=head1 FUNCTIONS

=head2 find

    my ($path, @packages) = Tenon::Loader::find($file);

Dies in one sentence if the file cannot be read or declares no package.

=head2 source

    my $text = Tenon::Loader::source($file);

Dies in one sentence if the file cannot be read.

=head2 packages

    my @packages = Tenon::Loader::packages($source);

=head2 load_pve

    my $pve = Tenon::Loader::load_pve($pve_lib, $path);

C<$pve_lib> is a directory with PVE's own libraries, undef for an installed PVE or else the compat layer. Returns
C<compat>, or the path of PVE's base class.

=head2 compile

    my $complaint = Tenon::Loader::compile($path);

=head2 compile_again

    my $complaint = Tenon::Loader::compile_again($path);

The same for a copy of one of PVE's own classes: a format that is registered is not registered twice.

=head2 is_loaded

    my $is = Tenon::Loader::is_loaded($path);

Whether PVE has loaded the file itself.

=head2 is_pves_own

    my $is = Tenon::Loader::is_pves_own($class);

Whether the class is one of PVE's own, which have no C<api>.

=head2 plugin_class

    my $class = Tenon::Loader::plugin_class(@packages);

=head2 overrides

    my $is_own = Tenon::Loader::overrides($class, $method);

Whether the class implements the method itself.

=head2 own_methods

    my @names = Tenon::Loader::own_methods($class, $level);

The methods of the API that a class of this level implements itself.

=head2 one_line

    my $sentence = Tenon::Loader::one_line($@);

What Perl says of an error, without where Perl looked and who asked.

=cut
