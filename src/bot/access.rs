//! Who may change the catalogue: nobody who is not listed.
//!
//! A front-end asks [`Admins::admits`] with what its platform vouches for, and puts the result
//! into [`super::Request::admin`].

/// The admins of one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admins {
    /// User ids.
    pub users: Vec<String>,
    /// Role ids.
    pub roles: Vec<String>,
    /// Whether those who manage a guild or group on the platform are admins of its catalogue.
    pub managers: bool,
}

impl Admins {
    /// Whether this user is an admin. Ids are compared as a whole; an empty one is nobody.
    pub fn admits<S: AsRef<str>>(&self, user: &str, roles: &[S], manages: bool) -> bool {
        let listed = |list: &[String], id: &str| !id.is_empty() && list.iter().any(|l| l == id);
        listed(&self.users, user)
            || roles.iter().any(|role| listed(&self.roles, role.as_ref()))
            || (self.managers && manages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_an_admin_unless_listed() {
        let nobody: [&str; 0] = [];
        assert!(!Admins::default().admits("1", &["2"], true));
        let admins = Admins {
            users: vec!["1".into(), String::new()],
            roles: vec!["7".into()],
            managers: false,
        };
        assert!(admins.admits("1", &nobody, false));
        assert!(admins.admits("2", &["6", "7"], false));
        assert!(!admins.admits("2", &["6"], true));
        assert!(!admins.admits("11", &nobody, false));
        assert!(!admins.admits("", &[""], false));
        assert!(Admins { managers: true, ..Admins::default() }.admits("2", &nobody, true));
    }
}
