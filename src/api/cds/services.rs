//! The services, and how they describe themselves to whoever looks.

use actix_web::HttpResponse;
use serde_json::{Value, json};

/// What is offered. The names are addresses, and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    CriticalResults,
    OrderSelect,
    OrderSign,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::CriticalResults, Self::OrderSelect, Self::OrderSign];

    pub fn id(self) -> &'static str {
        match self {
            Self::CriticalResults => "tocsin-critical-results",
            Self::OrderSelect => "tocsin-imaging-order-select",
            Self::OrderSign => "tocsin-imaging-order-sign",
        }
    }

    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.id() == id)
    }

    pub fn hook(self) -> &'static str {
        match self {
            Self::CriticalResults => "patient-view",
            Self::OrderSelect => "order-select",
            Self::OrderSign => "order-sign",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::CriticalResults => "Critical imaging results that nobody has acknowledged",
            Self::OrderSelect => "Imaging: what was recommended, and what is there",
            Self::OrderSign => "Imaging: what was recommended, and what is there, before signing",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::CriticalResults => {
                "Shows an unread examination of the patient in which software suspects a critical finding, until somebody acknowledges it."
            }
            Self::OrderSelect | Self::OrderSign => {
                "Shows recommended examinations that an order answers or leaves open, and the same examination that waits to be read or was done lately."
            }
        }
    }
}

/// Discovery: open to all, shows nothing of a patient.
pub async fn discover() -> HttpResponse {
    let services: Vec<Value> = Service::ALL.into_iter().map(described).collect();
    HttpResponse::Ok().json(json!({ "services": services }))
}

fn described(service: Service) -> Value {
    json!({
        "hook": service.hook(),
        "id": service.id(),
        "title": service.title(),
        "description": service.description(),
        "prefetch": { "patient": "Patient/{{context.patientId}}" },
    })
}
