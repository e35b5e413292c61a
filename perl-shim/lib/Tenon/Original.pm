package Tenon::Original;

use v5.36;

use Tenon::Loader;
use Tenon::Names;

my (%PACKAGES, %CHECKS);

sub call ($class, $file, $name, @args) {
    my $package = $PACKAGES{$file} //= _load($file);
    my $code = $package->can($name) // die "the plugin file '$file' has no method '$name'\n";
    return $code->($package, @args);
}

sub function ($class, $file, $name, @args) {
    my $package = $PACKAGES{$file} //= _load($file);
    my $code = $package->can($name) // die "the plugin file '$file' has no function '$name'\n";
    return $code->(@args);
}

sub check ($class, $file, $format, @args) {
    $PACKAGES{$file} //= _load($file);
    my $code = $CHECKS{$file}->{$format}
        // die "the plugin file '$file' does not check the format '$format'\n";
    return $code->(@args);
}

# Under another name, since its own is that of the proxy.
sub _load ($file) {

    # Only the host's administrator can write there.
    my ($source) = Tenon::Loader::source($file) =~ m/\A(.*)\z/s;
    my @packages = Tenon::Loader::packages($source);
    for my $own (grep { m/\APVE::Storage::Custom::/ } @packages) {
        my $other = $own =~ s/\APVE::Storage::Custom::/Tenon::Original::/r;
        $source =~ s/\b\Q$own\E\b/$other/g;
    }

    # The proxy has already made the plugin's changes to PVE, and making them twice is an error.
    no warnings qw(redefine prototype);
    local @PVE::Storage::Plugin::SHARED_STORAGE = @PVE::Storage::Plugin::SHARED_STORAGE;
    local *PVE::JSONSchema::register_format = sub ($name, $format, $validator = undef) {
        $CHECKS{$file}->{$name} = $validator // $format;
        return;
    };
    local *PVE::JSONSchema::register_standard_option = sub { return };
    my $complaint = _compile("#line 1 \"$file\"\n$source");
    die "the adopted plugin's file '$file' does not compile: $complaint\n" if defined($complaint);
    my $plugin = Tenon::Loader::plugin_class(map { s/\APVE::Storage::Custom::/Tenon::Original::/r }
            @packages) // die "the adopted plugin's file '$file' holds no storage plugin\n";

    # A plugin of a newer level than the host's still inherits the methods that it relies on.
    Tenon::Names::inherit($plugin);
    return $plugin;
}

# As PVE would compile the file: an eval would be compiled in the scope of this one, with its strictures, its signatures, which
# are no prototypes, and without its encoding.
sub _compile ($source) {
    my $name = 'Tenon/Original/source.pm';
    open(my $fh, '<', \$source) or die "the source of a plugin cannot be read: $!\n";
    my $hook = sub ($self, $wanted) { return $wanted eq $name ? $fh : () };
    unshift @INC, $hook;
    my $good = eval {
        local $SIG{__DIE__};
        require $name;
    };
    my $err = $@;

    # Not by local: what the file adds by "use lib" stays.
    @INC = grep { !ref($_) || $_ != $hook } @INC;
    delete $INC{$name};
    return $good ? undef : Tenon::Loader::one_line($err || 'it returns a false value');
}

1;

__END__

=head1 NAME

Tenon::Original - what an adopted plugin answers without its storage

=head1 DESCRIPTION

The methods of an adopted plugin go to the daemon, except those that PVE calls where no daemon can be asked: in the web
server, which runs as another user, and whenever it reads its configuration. They are pure, so the host runs the plugin's own
code for them, from its file, under a package name of its own. The same goes for the formats that the plugin checks, and for
what others import from it.

=head1 METHODS

=head2 call

    return Tenon::Original->call($file, 'parse_volname', @args);

Calls a method of the plugin in this file, which is compiled the first time. Dies as the method does, and with one sentence
if the file cannot be read or compiled.

=head2 check

    return Tenon::Original->check($file, $format, @args);

Runs the code that the plugin has for a format that it registered.

=head2 function

    return Tenon::Original->function($file, $name, @args);

Calls a function of the plugin, without its class.

=cut
