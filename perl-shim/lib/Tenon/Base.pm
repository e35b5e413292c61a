package Tenon::Base;

use v5.36;

use Tenon::Api;
use Tenon::Schema;

# Where the calls of inherited methods go; set by the sidecar.
our $SESSION;

sub call ($class, $name, $want, @args) {
    my $session = $SESSION // die "$name: the base class of $class is answered by Tenon's daemon,"
        . " and this process is no sidecar of one; run it on a PVE host or through 'tenon'\n";
    die
"$name: a forked child of the plugin $class cannot call its base class; return to the parent first\n"
        if !$session->usable;
    my $api = Tenon::Api->load;
    my $method = $api->method($name);
    my $params = Tenon::Schema::params_to_wire($api, $method, $api->newest, \@args);
    my $wire = $session->call($name, $params, plugin => 'base', seconds => $method->{deadline});
    return Tenon::Schema::result_from_wire($method, $wire, $want);
}

1;

__END__

=head1 NAME

Tenon::Base - the base class methods that Java answers

=head1 DESCRIPTION

On a machine without PVE the methods that a plugin inherits are answered by the Java core. The class
C<PVE::Storage::Plugin> of the compat layer sends them here. Java calls the plugin's own methods where PVE's base class
would.

=head1 FUNCTIONS

=head2 call

    return Tenon::Base::call($class, $method, wantarray, @args);

Calls the base class method with its positional arguments (level 15, without the class; trailing ones may be missing).
Dies with the error's text.

=cut
